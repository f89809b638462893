import type { ResponseHeaders } from "../actors/index.ts";
import { GreenroomError } from "../layers/errors.ts";
import type { CountedLimit } from "./limits/limits.ts";

/** The runtime has no layer with this alias. The message lists the runtime's layers. */
export class UnknownLayerError extends GreenroomError {
  constructor(message: string) {
    super("ERR_UNKNOWN_LAYER", message);
  }
}

/**
 * A call concerns all nodes, but the runtime has several layers, and its option `control` does not say which of
 * them connects the nodes. The message lists the layers.
 */
export class NoControlLayerError extends GreenroomError {
  constructor(message: string) {
    super("ERR_NO_CONTROL_LAYER", message);
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
    return new ConnectionLostError(
      "The connection has ended, so the waiting bytes may not reach the client.",
    );
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
  /** The HTTP status of the refusal. */
  readonly status: number;
  /** The text of the refusal. */
  readonly reason: string;
  /** The headers that were passed to `reject`. Empty if `spawn` rejects with this error. */
  readonly headers: ResponseHeaders;

  constructor(status: number, reason: string, headers: ResponseHeaders = {}) {
    super("ERR_REJECTED", `The connection was rejected: ${status} ${reason}`);
    this.status = status;
    this.reason = reason;
    this.headers = headers;
  }
}

/** A handler, `restarted` or `disconnect` did not settle in time. */
export class HandlerTimeoutError extends GreenroomError {
  constructor(message: string) {
    super("ERR_HANDLER_TIMEOUT", message);
  }
}

/**
 * A handler awaits a promise that settles only after the handler has: the end of its own actor, worker or
 * runtime. The end itself has begun, and goes on. Do not await the promise, or await it outside of the handler.
 */
export class DeadlockError extends GreenroomError {
  constructor(message: string) {
    super("ERR_DEADLOCK", message);
  }
}

/** An actor has 1,000 timers of `every` and `after` already. */
export class TooManyTimersError extends GreenroomError {
  constructor(message: string) {
    super("ERR_TOO_MANY_TIMERS", message);
  }
}

/** A handler blocked the event loop. Only `onError` receives this error, once for each consumer. */
export class BlockedEventLoopError extends GreenroomError {
  constructor(message: string) {
    super("ERR_BLOCKED_EVENT_LOOP", message);
  }
}

/**
 * Another `upgrade` listener of the server answered an upgrade to a path of the runtime. Only `onError`
 * receives this error, once for each runtime.
 */
export class UpgradeConflictError extends GreenroomError {
  constructor(path: string) {
    super(
      "ERR_UPGRADE_CONFLICT",
      `Another upgrade listener of the server answered the upgrade to ${path}, which has a route: make ` +
        "that listener ignore the paths that it does not serve, or attach the runtime to a server of its own.",
    );
  }
}

/**
 * An actor has reached a limit, such as the number of its groups, or an address of clients has reached a limit of
 * connections. Clients can cause this error, so it is reported to `onError` at most once a minute for each consumer
 * and limit. If it fails the actor, the close code is 3491.
 */
export class LimitError extends GreenroomError {
  /** The name of the option with the limit. */
  readonly limit: CountedLimit;

  constructor(limit: CountedLimit, message: string) {
    super("ERR_LIMIT", message);
    this.limit = limit;
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
