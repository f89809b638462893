import { ChannelLayer } from "../../../layers/channel-layer.ts";
import { systemClock } from "../../../layers/clock.ts";
import { MemoryBackend } from "../../../layers/memory/memory-backend.ts";
import type { MemoryBus } from "../../../layers/memory/memory-bus.ts";
import { TurnScheduler } from "../../../layers/scheduling/turn-scheduler.ts";
import type { StateBackend } from "../../../layers/state-backend.ts";
import type { NamedEvent } from "../../../named/context.ts";
import type { Kind } from "../../../named/kind.ts";
import { NamedKinds } from "../../../named/named-kinds.ts";
import { FaultyState } from "./faulty-state.ts";
import { createLog } from "./machine.ts";
import type { ModelStore } from "./model-store.ts";

export const partitions = 2;

class ModelBackend extends MemoryBackend {
  declare state: StateBackend;
}

/** A process of the model: the engine of named actors on a store that fails. */
export class ModelNode {
  readonly name: string;
  readonly state: FaultyState;
  readonly kind: Kind;
  readonly errors: unknown[] = [];
  readonly events: NamedEvent[] = [];
  /** The entries whose custom action has run. */
  readonly noted: string[] = [];
  /** The last number that this node has sent. */
  sent = 0;
  isDraining = false;
  readonly #kinds: NamedKinds;
  readonly #layer: ChannelLayer;

  constructor(name: string, store: ModelStore, bus: MemoryBus) {
    this.name = name;
    this.state = new FaultyState(name, store, () => {});
    const backend = new ModelBackend(bus, "model");
    backend.state = this.state;
    this.#layer = new ChannelLayer(backend, { prefix: "model", onError: (error) => this.errors.push(error) });
    this.#kinds = new NamedKinds({
      clock: systemClock,
      report: (error) => this.errors.push(error),
      layer: () => this.#layer,
      lane: new TurnScheduler().lane(),
      onEvent: (event) => this.events.push(event),
    });
    const machine = createLog(
      () => {
        this.state.kill();
        throw new Error("The process has ended.");
      },
      (key, id) => this.noted.push(`${key} ${id}`),
    );
    this.kind = this.#kinds.add("log", machine, { input: (key: string) => key, partitions, idleMs: 5_000 });
  }

  get isAlive(): boolean {
    return !this.state.isDead;
  }

  get isReady(): boolean {
    return this.isAlive && !this.state.isFrozen && !this.isDraining;
  }

  /** Hands the partitions over, and ends the process. */
  async drain(): Promise<void> {
    this.isDraining = true;
    await this.#kinds.handOver(true);
    this.state.kill();
  }

  async close(): Promise<void> {
    this.state.kill();
    this.#kinds.close();
    await this.#layer.close();
  }
}
