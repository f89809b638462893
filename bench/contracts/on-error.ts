import { OutgoingFrameError } from "../../index.ts";

/**
 * The option `onError` of a measured runtime. Ends the process if a frame deviates from its contract, because
 * reports are not what is measured. Ignores that a measurement blocks the event loop.
 */
export function onError(error: unknown): void {
  if (!(error instanceof OutgoingFrameError)) return;
  // The runtime catches an error that is thrown here.
  setImmediate(() => {
    throw error;
  });
}
