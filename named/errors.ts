import { FrameError } from "../actors/index.ts";
import { GreenroomError } from "../layers/errors.ts";

/** A message to a named actor was not stored. The actor will not handle it. */
export class NotStoredError extends GreenroomError {
  constructor(message: string, options?: ErrorOptions) {
    super("ERR_NOT_STORED", message, options);
  }
}

/**
 * A named actor has refused an ask. `code` is the code that its machine has chosen, or `unexpected` (the machine has no
 * transition for the message in its state), `ended` (the machine is in a final state) or `deleted` (the actor was
 * deleted). A frame handler that throws it refuses the frame of its client with the same code and data.
 */
export class RefusedError extends FrameError {
  constructor(code: string, message: string, data?: unknown) {
    super(code, message, data);
    this.name = "RefusedError";
  }
}

/** A step of a named actor has failed, so the message of an ask became a dead letter; or the actor is parked. */
export class StepFailedError extends GreenroomError {
  constructor(message: string, options?: ErrorOptions) {
    super("ERR_STEP_FAILED", message, options);
  }
}

/**
 * An ask had no answer in time: its message is stored, and may still be handled. Or the connection to the store broke,
 * and it is not known whether a message was stored.
 */
export class OutcomeUnknownError extends GreenroomError {
  constructor(message: string, options?: ErrorOptions) {
    super("ERR_OUTCOME_UNKNOWN", message, options);
  }
}

/** The number of partitions or the version of a kind contradicts the store, or a kind is unknown in this process. */
export class NamedKindError extends GreenroomError {
  constructor(message: string) {
    super("ERR_NAMED_KIND", message);
  }
}

/** The store had lost a committed step of an actor, for example in a failover. The actor continues from the older state. */
export class RolledBackError extends GreenroomError {
  constructor(message: string) {
    super("ERR_ROLLED_BACK", message);
  }
}

/** The store has lost messages that it had acknowledged, for example in a failover. */
export class MessagesLostError extends GreenroomError {
  constructor(message: string) {
    super("ERR_MESSAGES_LOST", message);
  }
}
