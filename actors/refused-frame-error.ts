import { GreenroomError } from "../layers/errors.ts";

/**
 * A client's frame was refused: see the type `ErrorCode` of `greenroom/contract`. Only `onError` receives this error, at most once a minute
 * for each consumer and code. `counters().refusedFrames` counts all refused frames.
 */
export class RefusedFrameError extends GreenroomError {
  constructor(code: string, message: string) {
    super("ERR_REFUSED_FRAME", `A client's frame was refused with ${code}: ${message}`);
  }
}
