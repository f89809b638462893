import { GreenroomError } from "../layers/errors.ts";

/** A layer alias that the runtime does not have. The message lists those there are. */
export class UnknownLayerError extends GreenroomError {
  constructor(message: string) {
    super("ERR_UNKNOWN_LAYER", message);
  }
}

/** A consumer needs something of its layer that this one cannot do. The message says what it can. */
export class MissingCapabilityError extends GreenroomError {
  constructor(message: string) {
    super("ERR_MISSING_CAPABILITY", message);
  }
}

/** A route that cannot be mounted: its pattern, or a check for a parameter that the pattern does not have. */
export class RouteError extends GreenroomError {
  constructor(message: string, options?: ErrorOptions) {
    super("ERR_ROUTE", message, options);
  }
}

/** `accept`, `reject` or `send` at the wrong time, or with what the handshake cannot carry. */
export class AcceptError extends GreenroomError {
  constructor(message: string, options?: ErrorOptions) {
    super("ERR_ACCEPT", message, options);
  }
}

/** The connection ended while it was connecting: there is nobody to accept any more. For `onError` it is no failure. */
export class ConnectionLostError extends GreenroomError {
  constructor() {
    super("ERR_CONNECTION_LOST", "The connection ended while it was connecting.");
  }
}

/** A close code or reason that cannot go on the wire. */
export class CloseError extends GreenroomError {
  constructor(message: string) {
    super("ERR_CLOSE", message);
  }
}

/** Thrown by `reject` to leave `connect`; `spawn` rejects with it. */
export class RejectedError extends GreenroomError {
  readonly status: number;
  readonly reason: string;

  constructor(status: number, reason: string) {
    super("ERR_REJECTED", `The connection was rejected: ${status} ${reason}`);
    this.status = status;
    this.reason = reason;
  }
}

/** A handler, or `disconnect`, was still running when its connection had to go. */
export class HandlerTimeoutError extends GreenroomError {
  constructor(message: string) {
    super("ERR_HANDLER_TIMEOUT", message);
  }
}

/** What a runtime that is closing or closed answers. */
export class RuntimeClosedError extends GreenroomError {
  constructor() {
    super("ERR_RUNTIME_CLOSED", "The runtime is closed: make a new one, or close it later.");
  }
}

/** Whoever was asked had not answered in time. */
export class AskTimeoutError extends GreenroomError {
  constructor(message: string) {
    super("ERR_ASK_TIMEOUT", message);
  }
}

/** There is no actor at this address: it has stopped, or no node that could have it is known. */
export class NoSuchActorError extends GreenroomError {
  constructor(message: string) {
    super("ERR_NO_SUCH_ACTOR", message);
  }
}

/**
 * An actor was asked, and did not answer: its handler failed, the message was dropped before it was handled, or what it
 * returned is not what a message can hold. The message says which.
 */
export class AskFailedError extends GreenroomError {
  constructor(message: string) {
    super("ERR_ASK_FAILED", message);
  }
}
