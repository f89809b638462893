import { OutgoingFrameError } from "../../index.ts";

/**
 * The option `onError` of a measured runtime. Ends the process if a frame deviates from its contract, because
 * reports are not what is measured. Ignores other errors: a measurement may block the event loop.
 */
export function onError(error: unknown): void {
  if (!(error instanceof OutgoingFrameError)) return;
  process.stderr.write(`${error.message}\n`);
  process.exit(1);
}
