import { GreenroomError, textOf } from "../../layers/errors.ts";

/** A promise, callback or observable of a machine has failed, and the machine has no transition for its error. */
export class ChildFailedError extends GreenroomError {
  /** The ids on the path from the machine to the child. */
  readonly child: readonly string[];

  constructor(child: readonly string[], cause: unknown) {
    super("ERR_CHILD_FAILED", `The child ${JSON.stringify(child.join("."))} has failed: ${textOf(cause)}`, {
      cause,
    });
    this.child = child;
  }
}
