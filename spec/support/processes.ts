import type { ChildProcess } from "node:child_process";
import { subscribe } from "node:diagnostics_channel";

/** How processes have ended in which files ran side by side, where that was not well. */
const ends: string[] = [];

/**
 * Mocha takes no notice of a process that ends while it has no file, by an error that comes after its last one: it may even
 * wait for it, until there is nothing left to wait for, and end well itself.
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
