import { GreenroomError } from "../../layers/errors.ts";

/** What a spec expected did not happen. The message says what did. */
export class ExpectationError extends GreenroomError {
  constructor(message: string, options?: ErrorOptions) {
    super("ERR_EXPECTATION", message, options);
  }
}
