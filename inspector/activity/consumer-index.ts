import type { AnyStateMachine } from "xstate";
import { connectionMachine } from "../../actors/connection-machine.ts";
import { ownMachine } from "../../actors/machine-consumer.ts";
import { MarkedMachine } from "../../diagrams/marked-machine.ts";
import type { ConsumerClass } from "../../runtime/consumer-settings.ts";
import { truncate } from "../../runtime/truncate.ts";
import type { Route } from "../../runtime/upgrade/router.ts";
import type { ConsumerFacts, MachineFacts, MachineKind } from "../protocol.ts";
import { draw } from "../view/render-diagram.ts";

/** A class of consumers, and the machines that its actors have. */
export interface KnownConsumer {
  readonly id: string;
  readonly Consumer: ConsumerClass;
  readonly machines: ReadonlyMap<MachineKind, MarkedMachine>;
}

/** The consumers of a runtime, in the order in which they were first seen, with their machines. */
export class ConsumerIndex {
  readonly #known = new Map<ConsumerClass, KnownConsumer>();
  /** Several consumers may run the same. */
  readonly #marked = new WeakMap<AnyStateMachine, MarkedMachine>();
  readonly #pictures = new WeakMap<MarkedMachine, Promise<MachineFacts["picture"]>>();
  #count = 0;
  #changes = 0;

  /** Grows whenever one is added or forgotten. */
  get changes(): number {
    return this.#changes;
  }

  of(Consumer: ConsumerClass): KnownConsumer {
    return this.#known.get(Consumer) ?? this.#add(Consumer);
  }

  find(id: string): KnownConsumer | undefined {
    for (const known of this.#known.values()) if (known.id === id) return known;
    return undefined;
  }

  /** Forgets all others: classes that are made anew for each connection must not pile up. */
  keep(isKept: (known: KnownConsumer) => boolean): void {
    for (const known of this.#known.values()) {
      if (isKept(known)) continue;
      this.#known.delete(known.Consumer);
      this.#changes += 1;
    }
  }

  facts(routes: readonly Route[]): ConsumerFacts[] {
    return [...this.#known.values()].map(({ id, Consumer, machines }) => ({
      id,
      name: nameOf(Consumer),
      routes: routes.filter((route) => route.Consumer === Consumer).map(({ pattern }) => pattern),
      ...(Consumer.layer !== undefined && { layer: Consumer.layer }),
      hasOwn: machines.has("own"),
    }));
  }

  /** The machines of a consumer, with their pictures, which are drawn when they are first asked for. */
  machineFacts(id: string): Promise<MachineFacts[]> {
    const machines = this.find(id)?.machines ?? [];
    return Promise.all(
      [...machines].map(async ([kind, machine]) => {
        const { name, states, arrows } = machine;
        return { kind, name, states, arrows, picture: await this.#pictureOf(machine) };
      }),
    );
  }

  #add(Consumer: ConsumerClass): KnownConsumer {
    const machines = new Map([["connection" as MachineKind, this.#markedOf(connectionMachine)]]);
    const own = ownMachineOf(Consumer);
    if (own !== undefined) machines.set("own", this.#markedOf(own));
    this.#count += 1;
    this.#changes += 1;
    const known = { id: `c${this.#count}`, Consumer, machines };
    this.#known.set(Consumer, known);
    return known;
  }

  #markedOf(machine: AnyStateMachine): MarkedMachine {
    const marked = this.#marked.get(machine) ?? new MarkedMachine(machine);
    this.#marked.set(machine, marked);
    return marked;
  }

  #pictureOf(machine: MarkedMachine): Promise<MachineFacts["picture"]> {
    const picture = this.#pictures.get(machine) ?? draw(machine);
    this.#pictures.set(machine, picture);
    return picture;
  }
}

const longestName = 300;

/** What people read. A class may have no name, or a static of its own in the place of one. */
export function nameOf({ name }: ConsumerClass): string {
  return typeof name === "string" && name !== "" ? truncate(name, longestName) : "(anonymous)";
}

/** What `machineConsumer` made a consumer of. */
const ownMachineOf = (Consumer: ConsumerClass & { readonly [ownMachine]?: AnyStateMachine }) =>
  Consumer[ownMachine];
