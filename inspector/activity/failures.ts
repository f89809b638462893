import type { Report } from "../../runtime/inspection-hooks.ts";
import { failureText } from "../../runtime/mailbox/ask-envelope.ts";
import { truncate } from "../../runtime/truncate.ts";
import type { ActorRow, Failure } from "../protocol.ts";

const kept = 20;
const longestText = 300;

/** The last failures of a runtime, and the last one of each actor, from when the inspector was mounted. */
export class Failures {
  #recent: Failure[] = [];
  readonly #lastOf = new WeakMap<object, NonNullable<ActorRow["lastError"]>>();

  /** The newest first. */
  get recent(): readonly Failure[] {
    return this.#recent;
  }

  /** Of the actor with this machine. */
  lastOf(machine: object): ActorRow["lastError"] {
    return this.#lastOf.get(machine);
  }

  add(...[error, { stage, consumer, path }, actor]: Parameters<Report>): Failure {
    const at = Date.now();
    const message = failureText(error);
    const failure = {
      at,
      ...(actor && { actor: actor.machine.sessionId }),
      ...(typeof consumer === "string" && { consumer: truncate(consumer, longestText) }),
      ...(typeof path === "string" && { path: truncate(path, longestText) }),
      stage,
      message,
    };
    this.#recent = [failure, ...this.#recent].slice(0, kept);
    if (actor) this.#lastOf.set(actor.machine, { stage, message, at });
    return failure;
  }
}
