import { GreenroomError } from "../../layers/errors.ts";

/**
 * The server has sent a frame that deviates from its contract. Only `onError` receives this error: see
 * {@link RuntimeOptions.validateOutgoing}. The frame was sent nevertheless.
 */
export class OutgoingFrameError extends GreenroomError {
  constructor(message: string, options?: ErrorOptions) {
    super("ERR_OUTGOING_FRAME", message, options);
  }
}
