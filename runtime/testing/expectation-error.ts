import { GreenroomError } from "../../layers/errors.ts";

/** An expectation of a spec was not met. The message describes what happened instead. */
export class ExpectationError extends GreenroomError {
  constructor(message: string, options?: ErrorOptions) {
    super("ERR_EXPECTATION", message, options);
  }
}
