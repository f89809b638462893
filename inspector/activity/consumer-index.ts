import type { AnyStateMachine } from "xstate";
import { connectionMachine } from "../../actors/connection-machine.ts";
import { ownMachine } from "../../actors/own-machine.ts";
import { MarkedMachine } from "../../diagrams/marked-machine.ts";
import type { ConsumerClass } from "../../runtime/consumer-settings.ts";
import { truncate } from "../../runtime/truncate.ts";
import type { MachineKind } from "../protocol.ts";

export interface IndexedConsumer {
  readonly id: string;
  readonly Consumer: ConsumerClass;
  readonly machines: ReadonlyMap<MachineKind, MarkedMachine>;
}

/** The consumer classes of a runtime with their machines, in the order in which they were added. */
export class ConsumerIndex implements Iterable<IndexedConsumer> {
  readonly #consumers = new Map<ConsumerClass, IndexedConsumer>();
  /** The keys are machines, because several consumers may run the same machine. */
  readonly #marked = new WeakMap<AnyStateMachine, MarkedMachine>();
  #count = 0;
  #changes = 0;

  /** Increases each time a consumer is added or removed. */
  get changes(): number {
    return this.#changes;
  }

  getOrAdd(Consumer: ConsumerClass): IndexedConsumer {
    return this.#consumers.get(Consumer) ?? this.#add(Consumer);
  }

  find(id: string): IndexedConsumer | undefined {
    for (const indexed of this) if (indexed.id === id) return indexed;
    return undefined;
  }

  /**
   * Removes the consumers that `isKept` rejects. Without this, the index of an app that creates a class for
   * each connection would grow without bound.
   */
  retain(isKept: (indexed: IndexedConsumer) => boolean): void {
    for (const indexed of this)
      if (!isKept(indexed) && this.#consumers.delete(indexed.Consumer)) this.#changes += 1;
  }

  [Symbol.iterator](): IterableIterator<IndexedConsumer> {
    return this.#consumers.values();
  }

  #add(Consumer: ConsumerClass): IndexedConsumer {
    const machines = new Map([["connection" as MachineKind, this.#markedOf(connectionMachine)]]);
    const own = (Consumer as { readonly [ownMachine]?: AnyStateMachine })[ownMachine];
    if (own !== undefined) machines.set("own", this.#markedOf(own));
    this.#count += 1;
    this.#changes += 1;
    const indexed = { id: `c${this.#count}`, Consumer, machines };
    this.#consumers.set(Consumer, indexed);
    return indexed;
  }

  #markedOf(machine: AnyStateMachine): MarkedMachine {
    const marked = this.#marked.get(machine) ?? new MarkedMachine(machine);
    this.#marked.set(machine, marked);
    return marked;
  }
}

const longestName = 300;

/** The display name of a class. The class may be anonymous, or have a static property called `name`. */
export function nameOf({ name }: ConsumerClass): string {
  return typeof name === "string" && name !== "" ? truncate(name, longestName) : "(anonymous)";
}
