import type { AskOptions, ExportedActor, NamedActor, NamedActors } from "../../actors/index.ts";
import type { Message } from "../../layers/message.ts";

/** Counts the messages of a connection's actor. */
export interface MessageCount {
  /** Counts a message that asks nothing. */
  sent(): void;
  /** Counts an ask until it settles. Rejects with a `LimitError` if too many asks of the actor are unanswered. */
  whileAsking<R>(ask: () => Promise<R>): Promise<R>;
}

/** The named actors of a kind for a connection's actor, whose messages to them are counted. */
export class ConnectionNamedActors implements NamedActors {
  readonly #actors: NamedActors;
  readonly #count: MessageCount;

  constructor(actors: NamedActors, count: MessageCount) {
    this.#actors = actors;
    this.#count = count;
  }

  get kind(): string {
    return this.#actors.kind;
  }

  get(key: string): NamedActor {
    return new ConnectionNamedActor(this.#actors.get(key), this.#count);
  }

  list(options?: { readonly after?: string; readonly limit?: number }): Promise<readonly string[]> {
    return this.#actors.list(options);
  }

  delete(key: string): Promise<boolean> {
    return this.#actors.delete(key);
  }

  resume(key: string): Promise<boolean> {
    return this.#actors.resume(key);
  }

  deadLetters(options?: Parameters<NamedActors["deadLetters"]>[0]): ReturnType<NamedActors["deadLetters"]> {
    return this.#actors.deadLetters(options);
  }

  export(key: string): Promise<ExportedActor | undefined> {
    return this.#actors.export(key);
  }

  import(key: string, exported: ExportedActor): Promise<void> {
    return this.#actors.import(key, exported);
  }
}

class ConnectionNamedActor implements NamedActor {
  readonly #actor: NamedActor;
  readonly #count: MessageCount;

  constructor(actor: NamedActor, count: MessageCount) {
    this.#actor = actor;
    this.#count = count;
  }

  get kind(): string {
    return this.#actor.kind;
  }

  get key(): string {
    return this.#actor.key;
  }

  send(message: Message): Promise<void> {
    this.#count.sent();
    return this.#actor.send(message);
  }

  ask<R = unknown>(message: Message, options?: AskOptions): Promise<R> {
    return this.#count.whileAsking(() => this.#actor.ask<R>(message, options));
  }

  view(): Promise<unknown> {
    return this.#actor.view();
  }

  watch(options?: { readonly signal?: AbortSignal }): AsyncIterable<unknown> {
    return this.#actor.watch(options);
  }
}
