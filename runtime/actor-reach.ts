import type { AskGroupOptions, AskOptions, GroupAnswers, Reach } from "../actors/index.ts";
import type { Message } from "../layers/contract.ts";
import type { Control } from "./control/control.ts";
import type { Tagged } from "./control/tags.ts";
import { AskFailedError } from "./errors.ts";

/** The actor whose reach it is. */
export interface ReachOwner extends Tagged {
  readonly groups: { readonly channel: string };
  readonly isLeaving: boolean;
}

/** One actor's place among all: whom it asks, and what it is known by. What it holds goes with the actor. */
export class ActorReach implements Reach {
  readonly #control: Control;
  readonly #owner: ReachOwner;
  readonly #layer: string | undefined;
  readonly #tags = new Set<string>();

  /** @param layer the alias of its consumer's layer. */
  constructor(control: Control, owner: ReachOwner, layer: string | undefined) {
    this.#control = control;
    this.#owner = owner;
    this.#layer = layer;
  }

  sendTo(channel: string, message: Message): Promise<void> {
    return this.#control.send(channel, message);
  }

  async ask(channel: string, message: Message, options: AskOptions): Promise<unknown> {
    if (channel === this.#owner.groups.channel) {
      throw new AskFailedError(
        "An actor cannot ask itself: it handles one thing at a time, so it would wait for itself.",
      );
    }
    return this.#control.ask(channel, message, options);
  }

  async askGroup(group: string, message: Message, options: AskGroupOptions): Promise<GroupAnswers> {
    const layer = options.layer ?? this.#layer;
    const chosen = layer === undefined ? options : { ...options, layer };
    return this.#control.askGroup(group, message, chosen, this.#owner.groups.channel);
  }

  tag(tag: string): void {
    if (this.#owner.isLeaving) return;
    this.#control.tags.add(tag, this.#owner);
    this.#tags.add(tag);
  }

  untag(tag: string): void {
    this.#control.tags.remove(tag, this.#owner);
    this.#tags.delete(tag);
  }

  /** The actor is on its way out: nobody knows it any more. */
  leave(): void {
    for (const tag of this.#tags) this.#control.tags.remove(tag, this.#owner);
    this.#tags.clear();
  }
}
