import { GreenroomError } from "../layers/errors.ts";

/**
 * A contract cannot be described: a schema cannot be written as JSON Schema, or two contracts have the same path.
 * Or {@link serveAsyncApi} was called with an unsuitable or taken path.
 */
export class AsyncApiError extends GreenroomError {
  constructor(message: string, options?: ErrorOptions) {
    super("ERR_ASYNC_API", message, options);
  }
}
