import { randomUUID } from "node:crypto";
import { type ChannelLayer, createRuntime, MemoryBus, MemoryLayer, type Runtime } from "greenroom";
import { RedisStreamsLayer } from "greenroom/redis";
import { type AnyStateMachine, SimulatedClock } from "xstate";
import type { NamedActors } from "../../../actors/index.ts";
import type { NamedEvent } from "../../../named/context.ts";
import { Kind } from "../../../named/kind.ts";
import type { NamedCallerOptions, NamedOptions } from "../../../named/kind-options.ts";
import { until } from "../../layers/support/until.ts";
import { redisUrl } from "../../support/redis.ts";

export type StateRuntime = Runtime<{ state: ChannelLayer }>;

/** Four partitions, so that a runtime that joins gets at least one of them soon. */
export const partitions = 4;

/** Runtimes that share a store of named actors. */
export class Stage {
  readonly errors: Error[] = [];
  readonly events: NamedEvent[] = [];
  readonly clock: SimulatedClock | undefined;
  readonly #layer: () => ChannelLayer;
  readonly #runtimes = new Set<StateRuntime>();
  readonly #kinds = new Map<StateRuntime, Kind[]>();

  constructor(layer: () => ChannelLayer, clock?: SimulatedClock) {
    this.#layer = layer;
    this.clock = clock;
  }

  static memory(clock?: SimulatedClock): Stage {
    const bus = new MemoryBus(clock && { clock });
    return new Stage(() => new MemoryLayer({ bus }), clock);
  }

  /** A store in memory whose time a spec controls. */
  static simulated(): Stage & { readonly clock: SimulatedClock } {
    return Stage.memory(new SimulatedClock()) as Stage & { readonly clock: SimulatedClock };
  }

  static redis(): Stage {
    const prefix = randomUUID();
    return new Stage(() => new RedisStreamsLayer({ url: redisUrl(), prefix }));
  }

  /** A runtime of its own process, as far as the store can tell. */
  runtime(): StateRuntime {
    const { clock } = this;
    const runtime = createRuntime({
      layers: { state: this.#layer() },
      onError: (error) => this.errors.push(error as Error),
      ...(clock && { clock }),
    });
    this.#runtimes.add(runtime);
    return runtime;
  }

  /** Declares a kind in a new runtime, and waits until the runtime owns its share of the partitions. */
  async node<M extends AnyStateMachine, V>(
    name: string,
    machine: M,
    options: NamedOptions<M, V> = {},
    runtime = this.runtime(),
  ): Promise<Node> {
    const kind = kindOf(runtime.named(name, machine, { partitions, ...options }));
    this.#kinds.set(runtime, [...(this.#kinds.get(runtime) ?? []), kind]);
    await runtime.ready();
    await this.settled(name);
    return { runtime, kind };
  }

  /** Declares a kind without its machine in a new runtime. */
  caller(name: string, options: NamedCallerOptions = {}, runtime = this.runtime()): Kind {
    return kindOf(runtime.named(name, { partitions, ...options }));
  }

  /** Waits until the runtimes of a kind own all its partitions. */
  async settled(name: string): Promise<void> {
    await until(() => {
      const kinds = [...this.#kinds.values()].flat().filter(({ kind }) => kind === name);
      return kinds.reduce((sum, { owned }) => sum + owned.size, 0) === partitions;
    });
  }

  async stop(runtime: StateRuntime): Promise<void> {
    this.#runtimes.delete(runtime);
    this.#kinds.delete(runtime);
    await runtime.close({ drainMs: 100 });
  }

  async close(): Promise<void> {
    await Promise.all([...this.#runtimes].map((runtime) => this.stop(runtime)));
  }
}

export interface Node {
  readonly runtime: StateRuntime;
  readonly kind: Kind;
}

/** The kind behind the actors that `runtime.named` returns, with its counts and its partitions. */
export function kindOf<M, V>(actors: NamedActors<M, V>): Kind {
  if (actors instanceof Kind) return actors;
  throw new TypeError("These are not the actors of a runtime.");
}

/** Registers `define` once for each store. `stage` returns a new stage for each spec. */
export function onEachStore(define: (stage: () => Stage) => void): void {
  for (const store of ["memory", "redis"] as const) {
    describe(`on ${store}`, () => {
      let stage: Stage | undefined;
      afterEach(async () => {
        await stage?.close();
        stage = undefined;
      });
      define(() => {
        stage ??= Stage[store]();
        return stage;
      });
    });
  }
}

/** The error of a promise that must reject. */
export async function errorOf(promise: Promise<unknown>): Promise<Error & { readonly code?: string }> {
  try {
    await promise;
  } catch (error) {
    return error as Error;
  }
  throw new Error("The promise has not rejected.");
}
