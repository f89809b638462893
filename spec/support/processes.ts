import type { ChildProcess } from "node:child_process";
import { subscribe } from "node:diagnostics_channel";

const ends: string[] = [];

/**
 * Mocha ignores a process that fails after its last file: mocha may even exit with success. This hook reports
 * the failure.
 */
export function mochaGlobalSetup(): void {
  subscribe("child_process", (message) => {
    const { process: child } = message as { readonly process: ChildProcess };
    child.once("exit", (code, signal) => {
      const isOfMocha = child.spawnargs.some((word) => /\bmocha\b.*\bworker\.cjs$/.test(word));
      if (!isOfMocha || code === 0) return;
      ends.push(`${code ?? signal}`);
      process.exitCode = 1;
    });
  });
}

export function mochaGlobalTeardown(): void {
  if (ends.length > 0) throw new Error(`Processes of mocha ended with ${ends}: see above what they said.`);
}
