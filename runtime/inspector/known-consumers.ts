import type { AnyStateMachine } from "xstate";
import { connectionMachine } from "../../actors/connection-machine.ts";
import { MarkedMachine } from "../../actors/visualise/marked-machine.ts";
import { textOf } from "../../layers/error-text.ts";
import type { ConsumerClass } from "../consumer-class.ts";
import type { Route } from "../router.ts";
import type { ConsumerFacts, MachineFacts, MachineKind } from "./protocol.ts";

/** A class of consumers, and the machines that its actors have. */
export interface KnownConsumer {
  readonly id: string;
  readonly Consumer: ConsumerClass;
  readonly machines: ReadonlyMap<MachineKind, MarkedMachine>;
}

/** The consumers of a runtime, in the order in which they were first seen, with their machines. */
export class KnownConsumers {
  readonly #connection = new MarkedMachine(connectionMachine);
  readonly #known = new Map<ConsumerClass, KnownConsumer>();
  readonly #byId = new Map<string, KnownConsumer>();
  readonly #pictures = new Map<MarkedMachine, Promise<MachineFacts["picture"]>>();

  get size(): number {
    return this.#known.size;
  }

  of(Consumer: ConsumerClass): KnownConsumer {
    return this.#known.get(Consumer) ?? this.#add(Consumer);
  }

  find(id: string): KnownConsumer | undefined {
    return this.#byId.get(id);
  }

  facts(routes: readonly Route[]): ConsumerFacts[] {
    return [...this.#known.values()].map(({ id, Consumer, machines }) => ({
      id,
      name: Consumer.name,
      routes: routes.filter((route) => route.Consumer === Consumer).map(({ pattern }) => pattern),
      ...(Consumer.layer !== undefined && { layer: Consumer.layer }),
      hasOwn: machines.has("own"),
    }));
  }

  /** The machines of a consumer, with their pictures, which are laid out when they are first asked for. */
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
    const machines = new Map<MachineKind, MarkedMachine>([["connection", this.#connection]]);
    const own = ownMachineOf(Consumer);
    if (own !== undefined) machines.set("own", new MarkedMachine(own));
    const known = { id: `c${this.size + 1}`, Consumer, machines };
    this.#known.set(Consumer, known);
    this.#byId.set(known.id, known);
    return known;
  }

  #pictureOf(machine: MarkedMachine): Promise<MachineFacts["picture"]> {
    let picture = this.#pictures.get(machine);
    if (picture === undefined) {
      picture = machine.svg().then(
        (svg) => ({ svg }),
        (error: unknown) => ({ missing: textOf(error) }),
      );
      this.#pictures.set(machine, picture);
    }
    return picture;
  }
}

/** What `machineConsumer` made a consumer of. */
const ownMachineOf = (Consumer: ConsumerClass & { readonly machine?: AnyStateMachine }) => Consumer.machine;
