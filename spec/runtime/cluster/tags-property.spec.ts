import { randomUUID } from "node:crypto";
import { expect } from "chai";
import fc from "fast-check";
import {
  type ActorRef,
  type ChannelLayer,
  createRuntime,
  MemoryBus,
  MemoryLayer,
  WebSocketConsumer,
} from "greenroom";
import { RedisPubSubLayer, RedisStreamsLayer } from "greenroom/redis";
import { until } from "../../layers/support/until.ts";
import { redisUrl } from "../../support/redis.ts";
import { opened, stopCluster } from "../support/cluster.ts";

type Step =
  | { readonly do: "begin"; readonly node: number }
  | { readonly do: "tag"; readonly connection: number; readonly tag: number }
  | { readonly do: "disconnect"; readonly node: number; readonly tag: number }
  /** Lets some turns of the event loop pass, so that calls are at different points of their way. */
  | { readonly do: "turns"; readonly count: number }
  /** Waits for all calls, then lets time pass. */
  | { readonly do: "wait"; readonly ms: number };

const step: fc.Arbitrary<Step> = fc.oneof(
  fc.record({ do: fc.constant("begin" as const), node: fc.nat(1) }),
  fc.record({ do: fc.constant("tag" as const), connection: fc.nat(5), tag: fc.nat(1) }),
  fc.record({ do: fc.constant("tag" as const), connection: fc.nat(5), tag: fc.nat(1) }),
  fc.record({ do: fc.constant("disconnect" as const), node: fc.nat(1), tag: fc.nat(1) }),
  fc.record({ do: fc.constant("turns" as const), count: fc.nat(3) }),
  fc.record({ do: fc.constant("wait" as const), ms: fc.constantFrom(0, 4_000, 6_000, 10_001) }),
);

/** Gets a tag with each frame. */
class Member extends WebSocketConsumer {
  override receive(text: string) {
    this.tag(text);
  }
}

interface Connection {
  readonly actor: ActorRef;
  /** The number of the step in which the connection began. */
  readonly begunAt: number;
  /** The first time at which the connection got a tag, in ms, by tag. */
  readonly tagged: Map<number, { readonly at: number; readonly ms: number }>;
}

interface Call {
  readonly tag: number;
  readonly code: number;
  readonly calledAt: number;
  readonly ms: number;
  /** The number of the step before which the call had ended. */
  endedAt: number;
}

/** Two nodes whose clocks differ, and a model of what has to happen to each connection. */
class Nodes {
  readonly #runtimes;
  #ms = 0;
  #lastCode = 3_000;

  constructor(layers: readonly ChannelLayer[]) {
    this.#runtimes = layers.map((chat, index) =>
      opened(
        createRuntime({
          layers: { chat },
          nodeHeartbeatMs: 60_000,
          connectTimeoutMs: 10_000,
          clock: {
            now: () => this.#ms + index * 1_000_000_000,
            setTimeout: (fn: () => void, ms: number) => setTimeout(fn, ms),
            clearTimeout: (id: unknown) => clearTimeout(id as NodeJS.Timeout),
          },
        }),
      ),
    );
  }

  async ready(): Promise<void> {
    await Promise.all(this.#runtimes.map((runtime) => runtime.ready()));
    await until(() => this.#runtimes.every((runtime) => runtime.nodes.length === 2));
  }

  async check(steps: readonly Step[]): Promise<void> {
    const prefix = `run${randomUUID()}`;
    const connections: Connection[] = [];
    const calls: Call[] = [];
    let pending: Promise<unknown>[] = [];
    for (const [at, given] of [...steps, { do: "wait", ms: 0 } as const].entries()) {
      if (given.do === "begin") {
        const runtime = this.#runtimes[given.node];
        if (runtime !== undefined)
          connections.push({ actor: await runtime.spawn(Member), begunAt: at, tagged: new Map() });
      } else if (given.do === "tag") {
        const connection = connections[given.connection];
        connection?.actor.receive(`${prefix}.${given.tag}`);
        if (connection !== undefined && !connection.tagged.has(given.tag))
          connection.tagged.set(given.tag, { at, ms: this.#ms });
      } else if (given.do === "disconnect") {
        this.#lastCode = this.#lastCode === 4_999 ? 3_001 : this.#lastCode + 1;
        const call = { tag: given.tag, code: this.#lastCode, calledAt: at, ms: this.#ms, endedAt: Infinity };
        calls.push(call);
        const calling = this.#runtimes[given.node]?.disconnect(`${prefix}.${given.tag}`, call.code, "Out");
        if (calling !== undefined) pending.push(calling);
      } else if (given.do === "turns") {
        for (let turn = 0; turn < given.count; turn += 1) await new Promise(setImmediate);
      } else {
        for (const { missing } of (await Promise.all(pending)) as { missing: string[] }[])
          expect(missing).to.deep.equal([]);
        pending = [];
        for (const call of calls) call.endedAt = Math.min(call.endedAt, at);
        this.#ms += given.ms;
      }
    }
    // The mailboxes handle the last frames.
    for (let turn = 0; turn < 3; turn += 1) await new Promise(setImmediate);
    for (const connection of connections) await verify(connection, calls);
    await Promise.all(connections.map(({ actor }) => actor.stop()));
  }
}

/** Whether a call closes a connection. Undefined if the connection began while the call was on its way. */
function closes({ begunAt, tagged }: Connection, call: Call): boolean | undefined {
  const got = tagged.get(call.tag);
  if (got === undefined || begunAt > call.endedAt) return false;
  if (got.at > call.calledAt && got.ms - call.ms > 10_000) return false;
  return begunAt < call.calledAt || got.at < call.calledAt ? true : undefined;
}

async function verify(connection: Connection, calls: readonly Call[]): Promise<void> {
  const verdicts = calls.map((call) => ({ call, closes: closes(connection, call) }));
  const must = verdicts.some((verdict) => verdict.closes === true);
  const may = verdicts.filter((verdict) => verdict.closes !== false);
  const { machine, done } = connection.actor;
  const isClosed = !machine.getSnapshot().matches("joined");
  if (must) expect(isClosed).to.equal(true);
  if (may.length === 0) expect(isClosed).to.equal(false);
  if (!isClosed) return;
  const exit = await done;
  expect(exit).to.include({ reason: "Out", by: "runtime" });
  expect(may.map(({ call }) => call.code)).to.include(exit.code);
}

describe("Disconnects of tags on two nodes", function () {
  this.timeout(60_000);
  afterEach(stopCluster);

  const layers: Readonly<Record<string, { readonly runs: number; create(): () => ChannelLayer }>> = {
    "a memory bus": {
      runs: 300,
      create() {
        const bus = new MemoryBus();
        return () => new MemoryLayer({ bus });
      },
    },
    "Redis pub/sub": {
      runs: 60,
      create() {
        const options = { url: redisUrl(), prefix: randomUUID() };
        return () => new RedisPubSubLayer(options);
      },
    },
    "Redis streams": {
      runs: 60,
      create() {
        const options = { url: redisUrl(), prefix: randomUUID() };
        return () => new RedisStreamsLayer(options);
      },
    },
  };

  for (const [name, { runs, create }] of Object.entries(layers)) {
    it(`close the connections that began before them, in any interleaving, over ${name}`, async () => {
      const layer = create();
      const nodes = new Nodes([layer(), layer()]);
      await nodes.ready();
      await fc.assert(
        fc.asyncProperty(fc.array(step, { maxLength: 25, size: "max" }), (steps) => nodes.check(steps)),
        { numRuns: runs },
      );
    });
  }
});
