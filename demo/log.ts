import { subscribe } from "node:diagnostics_channel";
import { escapeControls, type RuntimeEventName, type RuntimeOptions, runtimeEvents } from "greenroom";
import { type Level, pino, stdTimeFunctions } from "pino";

export const logLevels = ["trace", "debug", "info", "warn", "error", "fatal", "silent"] as const;

export type LogLevel = (typeof logLevels)[number];

/** The level of the events that are not mentioned is `info`. */
const levels: Partial<Record<RuntimeEventName, Level>> = {
  "greenroom:limit": "warn",
  "greenroom:layer.health": "warn",
  "greenroom:job.failed": "error",
};

/**
 * Writes the events of all runtimes of this process to stderr, one JSON object a line. stdout stays for the lines that
 * other programs read.
 *
 * @returns the option `onError` of a runtime, which logs the errors.
 */
export function startLog(level: LogLevel): NonNullable<RuntimeOptions<Record<never, never>>["onError"]> {
  const log = pino(
    {
      level,
      base: { pid: process.pid },
      timestamp: stdTimeFunctions.isoTime,
      formatters: { level: (label) => ({ level: label }) },
      // JSON escapes only some of the control characters that a client's text can bring to a terminal.
      hooks: { streamWrite: (line) => `${escapeControls(line.trimEnd())}\n` },
    },
    pino.destination({ fd: 2, sync: true }),
  );
  for (const name of runtimeEvents) {
    // `onError` gets the errors.
    if (name === "greenroom:error") continue;
    const message = name.slice("greenroom:".length);
    subscribe(name, (event) => {
      const { error: err, ...facts } = event as { readonly error?: unknown };
      log[levels[name] ?? "info"]({ ...facts, ...(err !== undefined && { err }) }, message);
    });
  }
  return (err, where) => log.error({ err, ...where }, "error");
}
