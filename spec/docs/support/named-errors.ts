import {
  type ChannelLayer,
  createRuntime,
  MemoryBus,
  MemoryLayer,
  type NamedActors,
  type NamedEffect,
  type NamedMessageEvents,
  type NamedOptions,
  WebSocketConsumer,
} from "greenroom";
import { RedisPubSubLayer, RedisStreamsLayer } from "greenroom/redis";
import { Redis } from "ioredis";
import { assign, emit, fromPromise, setup } from "xstate";
import { until } from "../../layers/support/until.ts";
import { opened } from "../../runtime/support/cluster.ts";
import { startRedisServer } from "../../support/redis-server.ts";

interface Messages {
  bid: { amount: number };
  wonder: object;
  pay: object;
  fail: object;
}

const machine = setup({
  types: {
    context: {} as { amount: number },
    events: {} as NamedMessageEvents<Messages>,
    emitted: {} as NamedEffect,
  },
  actors: { payment: fromPromise(() => Promise.reject(new Error("The card was refused"))) },
}).createMachine({
  id: "lot",
  context: { amount: 0 },
  initial: "open",
  states: {
    open: {
      on: {
        "message.bid": {
          actions: [
            assign({ amount: ({ event }) => event.message.amount }),
            emit({ type: "reply", value: null }),
          ],
        },
        "message.wonder": { actions: assign({ amount: 1 }) },
        "message.fail": {
          actions: assign(() => {
            throw new Error("The calendar is full");
          }),
        },
        "message.pay": "paying",
      },
    },
    paying: { invoke: { id: "payment", src: "payment" } },
  },
});

type Options = NamedOptions<typeof machine>;
interface Lots extends AsyncDisposable {
  readonly lots: NamedActors<Messages>;
  readonly heard: Error[];
}

/** Lots with one partition on a layer. */
async function lotsOn(state: ChannelLayer, options: Options = {}): Promise<Lots> {
  const heard: Error[] = [];
  const runtime = opened(
    createRuntime({ layers: { state }, onError: (error) => heard.push(error as Error) }),
  );
  const lots = runtime.named("lot", machine, {
    attempts: 1,
    partitions: 1,
    ...options,
  }) as NamedActors<Messages>;
  await runtime.ready().catch((error) => heard.push(error));
  return { lots, heard, [Symbol.asyncDispose]: () => runtime.close() };
}

/** The message of the error of a call that rejects. */
async function said(call: Promise<unknown> | (() => Promise<unknown>)): Promise<string> {
  try {
    await (typeof call === "function" ? call() : call);
  } catch (error) {
    return (error as Error).message;
  }
  throw new Error("Nothing failed.");
}

/** The first reported error with a code. */
async function reported({ heard }: Lots, code: string): Promise<string> {
  const find = () => heard.find((error) => (error as { code?: string }).code === code);
  await until(() => find() !== undefined);
  return String(find()?.message);
}

/** Runs `work` with lots on a Redis of their own, and a client of this Redis. */
async function onRedis(work: (on: Lots, redis: Redis) => Promise<string>): Promise<string> {
  const server = await startRedisServer();
  const redis = new Redis(server.url);
  try {
    await using on = await lotsOn(new RedisStreamsLayer({ url: server.url, prefix: "auction" }));
    return await work(on, redis);
  } finally {
    redis.disconnect();
    await server.stop();
  }
}

const partition = "{auction__named:lot.0}";

/** The texts of named actors in the troubleshooting page, each with the code that provokes it. */
export const namedErrors: Readonly<Record<string, () => Promise<string>>> = {
  "a kind that the process does not know": async () => {
    const runtime = opened(createRuntime({ layers: { state: new MemoryLayer() }, onError() {} }));
    class Bidder extends WebSocketConsumer {
      override connect() {
        this.named("lot");
      }
    }
    return await said(runtime.spawn(Bidder));
  },
  "another number of partitions": async () => {
    const bus = new MemoryBus();
    await using _first = await lotsOn(new MemoryLayer({ bus }), { partitions: 256 });
    await using second = await lotsOn(new MemoryLayer({ bus }), { partitions: 64 });
    return await reported(second, "ERR_NAMED_KIND");
  },
  "partitions of a newer version": async () => {
    const bus = new MemoryBus();
    const newer = await lotsOn(new MemoryLayer({ bus }), { version: 2 });
    await newer.lots.get("17").send({ type: "bid", amount: 1 });
    await newer[Symbol.asyncDispose]();
    await using older = await lotsOn(new MemoryLayer({ bus }), { version: 1 });
    return await reported(older, "ERR_NAMED_KIND");
  },
  "a layer that cannot store actors": async () => {
    const state = new RedisPubSubLayer({ url: "redis://127.0.0.1:1", prefix: "auction", onError() {} });
    const runtime = opened(createRuntime({ layers: { state } }));
    return said(async () => runtime.named("lot", machine));
  },
  "an ask without an answer": async () => {
    await using on = await lotsOn(new MemoryLayer());
    return await said(on.lots.get("17").ask({ type: "wonder" }, { timeoutMs: 100 }));
  },
  "a message without a transition": async () => {
    await using on = await lotsOn(new MemoryLayer());
    return await said(on.lots.get("17").ask({ type: "close" } as never));
  },
  "a step that fails": async () => {
    await using on = await lotsOn(new MemoryLayer());
    return await said(on.lots.get("17").ask({ type: "fail" }));
  },
  "a child that fails": async () => {
    await using on = await lotsOn(new MemoryLayer());
    await on.lots.get("17").send({ type: "pay" });
    return await reported(on, "ERR_CHILD_FAILED");
  },
  "a parked actor": async () => {
    await using on = await lotsOn(new MemoryLayer());
    const lot = on.lots.get("17");
    await lot.send({ type: "pay" });
    await reported(on, "ERR_CHILD_FAILED");
    let text = "";
    await until(async () => {
      text = await said(lot.ask({ type: "bid", amount: 1 }, { timeoutMs: 100 }));
      return text.includes("is parked");
    });
    return text;
  },
  "an actor that was encrypted with another key": async () => {
    const bus = new MemoryBus();
    const layer = (key: string) => new MemoryLayer({ bus, encryption: { keys: [key] } });
    const first = await lotsOn(layer("old"));
    await first.lots.get("17").ask({ type: "bid", amount: 1 });
    await first[Symbol.asyncDispose]();
    await using second = await lotsOn(layer("next"));
    return await said(second.lots.get("17").view());
  },
  "steps that Redis has lost": () =>
    onRedis(async (on, redis) => {
      const lot = on.lots.get("17");
      await lot.ask({ type: "bid", amount: 1 });
      const older = await redis.hgetBuffer(`${partition}:state`, "17");
      await lot.ask({ type: "bid", amount: 2 });
      await redis.hset(`${partition}:state`, "17", older as Buffer);
      await lot.ask({ type: "bid", amount: 3 });
      const text = await reported(on, "ERR_ROLLED_BACK");
      const [, incarnation = ""] = /version (.*)-2 was/.exec(text) ?? [];
      return text.replaceAll(incarnation, "8Jq2cTzv");
    }),
  "messages that Redis has lost": () =>
    onRedis(async (on, redis) => {
      const lot = on.lots.get("17");
      await lot.ask({ type: "bid", amount: 1 });
      await redis.del(`${partition}:senders`);
      await lot.ask({ type: "bid", amount: 2 });
      return await reported(on, "ERR_MESSAGES_LOST");
    }),
};

/** The text of a message that a full Redis refuses. It contains a hash, so the page does not quote all of it. */
export const fullRedis = (): Promise<string> =>
  onRedis(async ({ lots }, redis) => {
    await redis.config("SET", "maxmemory", "1");
    const text = await said(lots.get("17").send({ type: "bid", amount: 1 }));
    await redis.config("SET", "maxmemory", "0");
    return text;
  });
