import type { Report } from "../../runtime/inspection-hooks.ts";
import { failureText } from "../../runtime/mailbox/ask-envelope.ts";
import { truncate } from "../../runtime/truncate.ts";
import type { ActorRow, Failure } from "../protocol.ts";

const kept = 20;
const longestText = 300;

/** The last 20 failures of a runtime and the last failure of each actor, since the inspector was mounted. */
export class Failures {
  #recent: Failure[] = [];
  readonly #lastOf = new WeakMap<object, NonNullable<ActorRow["lastError"]>>();

  /** Newest first. */
  get recent(): readonly Failure[] {
    return this.#recent;
  }

  /** @param machine the machine of the actor's connection. */
  lastOf(machine: object): ActorRow["lastError"] {
    return this.#lastOf.get(machine);
  }

  add(...[error, { stage, consumer, path }, actor]: Parameters<Report>): Failure {
    const lastError = { stage, message: failureText(error), at: Date.now() };
    const failure = {
      ...lastError,
      ...(actor && { actor: actor.machine.sessionId }),
      ...(typeof consumer === "string" && { consumer: truncate(consumer, longestText) }),
      ...(typeof path === "string" && { path: truncate(path, longestText) }),
    };
    this.#recent = [failure, ...this.#recent].slice(0, kept);
    if (actor) this.#lastOf.set(actor.machine, lastError);
    return failure;
  }
}
