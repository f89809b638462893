/** The ancestor of every error this package throws: `code` is stable and meant for programs, `message` for people. */
export class GreenroomError extends Error {
  readonly code: string;

  constructor(code: string, message: string, options?: ErrorOptions) {
    super(message, options);
    this.name = new.target.name;
    this.code = code;
  }
}

/** What every method of a layer rejects with after {@link ChannelLayer.close}. */
export class LayerClosedError extends GreenroomError {
  constructor() {
    super("ERR_LAYER_CLOSED", "The layer is closed: make a new one, or close it later.");
  }
}

/** The server behind a layer does not answer. The message names its address. */
export class LayerUnavailableError extends GreenroomError {
  constructor(message: string, options?: ErrorOptions) {
    super("ERR_LAYER_UNAVAILABLE", message, options);
  }
}

/** The name of a group or channel breaks the rules that {@link ChannelLayer} states. */
export class InvalidNameError extends GreenroomError {
  constructor(message: string) {
    super("ERR_INVALID_NAME", message);
  }
}

/** A message that a layer refuses to send: no plain object, no type, a reserved type or key, or too large. */
export class InvalidMessageError extends GreenroomError {
  constructor(message: string, options?: ErrorOptions) {
    super("ERR_INVALID_MESSAGE", message, options);
  }
}

/** Something that this kind of layer cannot do. The message says which layers can. */
export class UnsupportedError extends GreenroomError {
  constructor(message: string) {
    super("ERR_UNSUPPORTED", message);
  }
}

/** A named channel holds as many messages as it may: more workers are needed, or fewer messages. */
export class QueueFullError extends GreenroomError {
  constructor(message: string) {
    super("ERR_QUEUE_FULL", message);
  }
}

/** An option that a layer cannot be made with. The message names the option, and never shows a secret. */
export class InvalidOptionError extends GreenroomError {
  constructor(message: string) {
    super("ERR_INVALID_OPTION", message);
  }
}

/** A channel that was not made on this node by this layer, or that has been deleted. */
export class UnknownChannelError extends GreenroomError {
  constructor(message: string) {
    super("ERR_UNKNOWN_CHANNEL", message);
  }
}

/** `thrown` as an `Error`: itself if it is one, else an error with its text. */
export function asError(thrown: unknown): Error {
  return thrown instanceof Error ? thrown : new Error(String(thrown));
}

/** The message of `error`, or `error` itself as text. Never throws, whatever was thrown. */
export function textOf(error: unknown): string {
  try {
    return String(error instanceof Error ? error.message : error);
  } catch {
    return "an error that cannot be shown";
  }
}

/** The stack of `error`, if it has one. Never throws. */
export function stackOf(error: unknown): string | undefined {
  try {
    const stack: unknown = error instanceof Error ? error.stack : undefined;
    return typeof stack === "string" ? stack : undefined;
  } catch {
    return undefined;
  }
}
