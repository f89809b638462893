import { escapeControls, escapeLines } from "./escape-controls.ts";

/**
 * The base class of every error of this package. Programs can rely on `code`; `message` is for people. Control
 * characters in the message, which may come from a client, are escaped.
 */
export class GreenroomError extends Error {
  /** The stable name of the error: `ERR_LIMIT`. docs/reference/error-codes.md lists all of them. */
  readonly code: string;

  constructor(code: string, message: string, options?: ErrorOptions) {
    super(escapeControls(message), options);
    this.name = new.target.name;
    this.code = code;
  }
}

/**
 * Every method of a layer rejects with this error after {@link ChannelLayer.close}. Earlier calls that `close`
 * interrupts reject with it, too; their error has the reason as its `cause`.
 */
export class LayerClosedError extends GreenroomError {
  /** @param cause the reason why an earlier call could not end. Omitted for a later call. */
  constructor(cause?: unknown) {
    if (cause === undefined) {
      super("ERR_LAYER_CLOSED", "The layer is closed. Create a new layer, or close this one later.");
    } else {
      super("ERR_LAYER_CLOSED", `The layer was closed before this call ended: ${textOf(cause)}`, { cause });
    }
  }
}

/** The server behind a layer does not answer. The message contains the server's address. */
export class LayerUnavailableError extends GreenroomError {
  /** @internal Whether the server may have executed the call: see {@link effectOf}. */
  readonly effect: Effect;

  /** @param options.effect @internal */
  constructor(message: string, { effect = "unknown", ...options }: ErrorOptions & { effect?: Effect } = {}) {
    super("ERR_LAYER_UNAVAILABLE", message, options);
    this.effect = effect;
  }
}

/**
 * The effect of a call that failed. `none`: the server did not get it, so it can be repeated. `refused`: the server did
 * not execute it, and would refuse it again. `unknown`: the reply is missing.
 */
export type Effect = "none" | "refused" | "unknown";

/** The effect of a call that failed with `error`. */
export function effectOf(error: unknown): Effect {
  return error instanceof LayerUnavailableError ? error.effect : "refused";
}

/**
 * The settings of a server, or another layer, endanger messages or named actors. Passed to `onError` when the layer
 * is opened: the layer works nevertheless. Only calls of named actors reject with it, if the server may evict any key.
 * The message says what to change.
 */
export class LayerSetupError extends GreenroomError {
  constructor(message: string) {
    super("ERR_LAYER_SETUP", message);
  }
}

/** The name of a group or channel is invalid; {@link ChannelLayer} states the rules. */
export class InvalidNameError extends GreenroomError {
  constructor(message: string) {
    super("ERR_INVALID_NAME", message);
  }
}

/**
 * A layer refuses to send a message that is not a plain object, has no type, has a reserved type or key,
 * holds a value that messages cannot hold, or is too large.
 */
export class InvalidMessageError extends GreenroomError {
  constructor(message: string, options?: ErrorOptions) {
    super("ERR_INVALID_MESSAGE", message, options);
  }
}

/** The layer lacks a feature. The message names the layers or the option with the feature. */
export class UnsupportedError extends GreenroomError {
  constructor(message: string) {
    super("ERR_UNSUPPORTED", message);
  }
}

/** The store has a value of a named actor that is malformed, or that the keys of the layer cannot decrypt. */
export class UnreadableStateError extends GreenroomError {
  constructor(message: string, options?: ErrorOptions) {
    super("ERR_UNREADABLE_STATE", message, options);
  }
}

/** A named channel is full, or the queues of a `MemoryBus` are. Start more workers, or send fewer messages. */
export class QueueFullError extends GreenroomError {
  constructor(message: string) {
    super("ERR_QUEUE_FULL", message);
  }
}

/** A message waited in its named channel for longer than `queueExpiryMs`, so no handler received it. */
export class JobExpiredError extends GreenroomError {
  constructor(message: string) {
    super("ERR_JOB_EXPIRED", message);
  }
}

/** The handler of a job did not end within `timeoutMs`. */
export class JobTimeoutError extends GreenroomError {
  constructor(message: string) {
    super("ERR_JOB_TIMEOUT", message);
  }
}

/**
 * A named channel has vanished from the server, and the messages that it held are lost. Only `onError` receives
 * this error, once in each process that consumes the channel and notices the loss.
 */
export class QueueLostError extends GreenroomError {
  constructor(message: string) {
    super("ERR_QUEUE_LOST", message);
  }
}

/** An option is invalid. The message names the option and never contains a secret. */
export class InvalidOptionError extends GreenroomError {
  constructor(message: string) {
    super("ERR_INVALID_OPTION", message);
  }
}

/** The channel was not created by this node, or has been deleted. */
export class UnknownChannelError extends GreenroomError {
  constructor(message: string) {
    super("ERR_UNKNOWN_CHANNEL", message);
  }
}

export function asError(thrown: unknown): Error {
  return thrown instanceof Error ? thrown : new Error(String(thrown));
}

/** Returns the message of an error, or any other value as text. Never throws, even if converting fails. */
export function textOf(error: unknown): string {
  try {
    return String(error instanceof Error ? error.message : error);
  } catch {
    return "an error that cannot be shown";
  }
}

/**
 * Returns the stack of `error`, if it has one, with its control characters escaped. Its message takes one line.
 * Never throws.
 */
export function stackOf(error: unknown): string | undefined {
  try {
    const stack: unknown = error instanceof Error ? error.stack : undefined;
    if (typeof stack !== "string") return undefined;
    const message = textOf(error);
    return escapeLines(message === "" ? stack : stack.replace(message, () => escapeControls(message)));
  } catch {
    return undefined;
  }
}
