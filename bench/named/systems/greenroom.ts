import type { NamedActor } from "../../../actors/named-actor.ts";
import { type ChannelLayer, createRuntime, MemoryLayer } from "../../../index.ts";
import { RedisStreamsLayer } from "../../../layers/redis/index.ts";
import { type CounterMessages, counterMachine } from "../machine.ts";
import type { System } from "./system.ts";

export interface Greenroom extends System {
  /** Resolves with the id of the process that runs the actor. */
  where(key: string): Promise<number>;
  /** Resolves with the snapshot of the actor, as JSON. */
  snapshot(key: string): Promise<string>;
}

export interface GreenroomOptions {
  /** Undefined for a layer in memory. */
  readonly url?: string;
  readonly sends?: boolean;
  /** Whether the node runs actors. @default true */
  readonly runs?: boolean;
  /** Whether each actor has a timer. */
  readonly timer?: boolean;
}

const hourMs = 3_600_000;
const timeoutMs = 10_000;
/** A `send` does not wait for the actor, so all messages of a measurement may wait. */
const mailbox = { capacity: 1_000_000, bytes: 1 << 30 };
const text = "twenty bytes of text";

/** Named actors on one node, which sends the messages and runs the actors. */
export async function greenroom({
  url,
  sends = false,
  runs = true,
  timer = false,
}: GreenroomOptions): Promise<Greenroom> {
  const layer: ChannelLayer =
    url === undefined ? new MemoryLayer() : new RedisStreamsLayer({ url, prefix: "bench" });
  const runtime = createRuntime({ layers: { state: layer }, onError: fail });
  const options = { layer: "state", mailbox } as const;
  const counters = runs
    ? runtime.named("counter", counterMachine(timer ? hourMs : undefined), options)
    : runtime.named<CounterMessages>("counter", options);
  await runtime.ready();
  const counts = new Map<string, number>();
  const actors = new Map<string, NamedActor<CounterMessages>>();
  const actorOf = (key: string) => {
    const known = actors.get(key);
    if (known !== undefined) return known;
    const actor = counters.get(key);
    actors.set(key, actor);
    return actor;
  };
  const countOf = (key: string) => actorOf(key).ask<number>({ type: "count" }, { timeoutMs });
  const ask = async (key: string) => {
    const count = await actorOf(key).ask<number>({ type: "add", text }, { timeoutMs });
    const before = counts.get(key);
    if (before !== undefined && count <= before)
      fail(new Error(`"${key}" counted ${count} after ${before}.`));
    counts.set(key, count);
  };
  return {
    pass: sends ? (key) => actorOf(key).send({ type: "add", text }) : ask,
    // The messages of one node to one key are handled in order.
    ...(sends && { settle: async (key: string) => void (await countOf(key)) }),
    async handled(keys) {
      const each = await Promise.all(keys.map(countOf));
      return each.reduce((sum, count) => sum + count, 0);
    },
    where: (key) => actorOf(key).ask<number>({ type: "where" }, { timeoutMs }),
    snapshot: async (key) => JSON.stringify((await counters.export(key))?.machine),
    close: () => runtime.close(),
  };
}

/** Ends the process, so that no figure of a faulty system is reported. */
function fail(error: unknown): void {
  process.stderr.write(`${error instanceof Error ? error.stack : error}\n`);
  process.exit(1);
}
