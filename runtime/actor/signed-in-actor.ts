import { refusalCode } from "../../actors/close-codes.ts";
import type { AsyncErrorOwner } from "../async-error-owner.ts";
import { Session } from "../session/session.ts";
import type { SignedIn } from "../sign-in/sign-in.ts";
import type { ContextActor } from "./actor-context.ts";

type Actor = Pick<ContextActor, "errorOwner" | "machine" | "state" | "transport"> & {
  shutDown(code: number, reason: string): void;
};

/** The connection of an actor, as its sign-in sees it. */
export class SignedInActor implements SignedIn {
  readonly errorOwner: AsyncErrorOwner;
  readonly #actor: Actor;

  constructor(actor: Actor) {
    this.errorOwner = actor.errorOwner;
    this.#actor = actor;
  }

  askForToken(inMs: number): void {
    const { transport } = this.#actor;
    if (transport instanceof Session) transport.control({ c: "renew", inMs });
  }

  /** Refuses a connection that the consumer has not accepted yet, and closes another one. */
  signOut(code: number, reason: string): void {
    const { machine, state } = this.#actor;
    if (state === "connecting") {
      machine.send({ type: "reject", status: code - refusalCode, reason, by: "runtime" });
    } else this.#actor.shutDown(code, reason);
  }
}
