import { GreenroomError } from "../layers/errors.ts";

/** The runtime has no layer with this alias. The message lists the runtime's layers. */
export class UnknownLayerError extends GreenroomError {
  constructor(message: string) {
    super("ERR_UNKNOWN_LAYER", message);
  }
}

/** A layer lacks a capability that a consumer needs. The message lists the layer's capabilities. */
export class MissingCapabilityError extends GreenroomError {
  constructor(message: string) {
    super("ERR_MISSING_CAPABILITY", message);
  }
}

/** A route is invalid: its pattern is malformed or taken, or lacks a parameter that the route checks. */
export class RouteError extends GreenroomError {
  constructor(message: string, options?: ErrorOptions) {
    super("ERR_ROUTE", message, options);
  }
}

/** `accept`, `reject`, `send` or `close` was called at the wrong time, or with an invalid value. */
export class AcceptError extends GreenroomError {
  constructor(message: string, options?: ErrorOptions) {
    super("ERR_ACCEPT", message, options);
  }
}

/**
 * The connection ended before it was accepted, or while the consumer awaited `drained`. This error is not
 * reported to `onError`.
 */
export class ConnectionLostError extends GreenroomError {
  constructor(message = "The connection ended while it was connecting.") {
    super("ERR_CONNECTION_LOST", message);
  }

  /** @internal */
  static whileSending(): ConnectionLostError {
    return new ConnectionLostError("The connection has ended, so the waiting bytes do not reach the client.");
  }
}

/** A close frame cannot hold this code or reason. */
export class CloseError extends GreenroomError {
  constructor(message: string) {
    super("ERR_CLOSE", message);
  }
}

/** Thrown by `reject` to end `connect`. `spawn` rejects with this error. */
export class RejectedError extends GreenroomError {
  readonly status: number;
  readonly reason: string;

  constructor(status: number, reason: string) {
    super("ERR_REJECTED", `The connection was rejected: ${status} ${reason}`);
    this.status = status;
    this.reason = reason;
  }
}

/** A handler, `restarted` or `disconnect` did not settle in time. */
export class HandlerTimeoutError extends GreenroomError {
  constructor(message: string) {
    super("ERR_HANDLER_TIMEOUT", message);
  }
}

/** A handler blocked the event loop. Only `onError` receives this error, once for each consumer. */
export class BlockedEventLoopError extends GreenroomError {
  constructor(message: string) {
    super("ERR_BLOCKED_EVENT_LOOP", message);
  }
}

/** The runtime is closing or closed. */
export class RuntimeClosedError extends GreenroomError {
  constructor() {
    super("ERR_RUNTIME_CLOSED", "The runtime is closed: create a new one, or close this one later.");
  }
}

/** An ask was not answered in time. */
export class AskTimeoutError extends GreenroomError {
  constructor(message: string) {
    super("ERR_ASK_TIMEOUT", message);
  }
}

/** The address has no actor: the actor has stopped, or no known node could have it. */
export class NoSuchActorError extends GreenroomError {
  constructor(message: string) {
    super("ERR_NO_SUCH_ACTOR", message);
  }
}

/**
 * An actor could not answer an ask: its handler failed, the message was dropped, or a message cannot hold the
 * return value. The error's message states the cause.
 */
export class AskFailedError extends GreenroomError {
  constructor(message: string) {
    super("ERR_ASK_FAILED", message);
  }
}
