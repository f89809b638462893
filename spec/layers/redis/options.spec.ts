import { randomBytes } from "node:crypto";
import { expect } from "chai";
import { Redis } from "ioredis";
import { maxJitteredDelayMs } from "../../../layers/check-integer.ts";
import { InvalidOptionError } from "../../../layers/errors.ts";
import { RedisPubSubLayer, RedisStreamsLayer, type RedisTarget } from "../../../layers/redis/index.ts";
import { Recorder, Worker } from "../../../layers/testing/index.ts";
import { redisUrl } from "../../support/redis.ts";

const address = { host: "127.0.0.1", port: 1 };

const targets: Record<string, RedisTarget> = {
  "a URL": { url: "redis://127.0.0.1:1" },
  Sentinels: { sentinels: [address], name: "main" },
  "a client": { client: new Redis({ ...address, lazyConnect: true }) },
  "a function": { client: (options) => new Redis({ ...address, ...options }) },
  hosts: { hosts: ["redis://127.0.0.1:1", "redis://127.0.0.1:2"] },
  "a cluster": { cluster: [address] },
};

const everywhere = ["connectTimeoutMs", "probeMs", "commandQueue.deadlineMs"];
const layers = [
  [RedisPubSubLayer, everywhere],
  [RedisStreamsLayer, [...everywhere, "tailCheckMs"]],
] as const;

/** Layer options with `value` for one option, which may be nested: `commandQueue.deadlineMs`. */
function given(option: string, value: unknown): object {
  const [name = "", part] = option.split(".");
  return { [name]: part === undefined ? value : { [part]: value } };
}

describe("durations in the options of Redis layers", () => {
  for (const [Layer, options] of layers) {
    for (const [where, target] of Object.entries(targets)) {
      for (const option of options) {
        const start = (value: unknown) => new Layer({ prefix: "ms", ...target, ...given(option, value) });
        const none = option.endsWith("deadlineMs") ? [] : [0];

        it(`are rejected if ${option} of a ${Layer.name} over ${where} is out of range`, () => {
          const others = [-5, 0.5, Number.NaN, Number.POSITIVE_INFINITY, 3e9, "soon", "5000", null];
          for (const value of [...none, ...others, maxJitteredDelayMs + 1]) {
            expect(() => start(value), String(value))
              .to.throw(InvalidOptionError, `\`${option}\` must be an integer`)
              .with.property("code", "ERR_INVALID_OPTION");
          }
        });

        it(`may be any that a timer accepts for ${option} of a ${Layer.name} over ${where}`, () => {
          for (const value of [1, maxJitteredDelayMs]) start(value);
        });
      }
    }
  }

  it("fit into a Node timer including the jitter", () => {
    expect(maxJitteredDelayMs * 1.25).to.be.at.most(2 ** 31 - 1);
  });

  it("may be 0 for `commandQueue.deadlineMs`", () => {
    new RedisPubSubLayer({ ...targets["a URL"], prefix: "ms", commandQueue: { deadlineMs: 0 } } as never);
  });
});

describe("a client with options that would break delivery", () => {
  const breaking = {
    keyPrefix: "mine:",
    stringNumbers: true,
    enableAutoPipelining: true,
    commandTimeout: 1,
    blockingTimeout: 1,
    replyMapping: "resp3",
  } as const;

  it("carries groups, histories and work queues under the usual names", async () => {
    const prefix = `options-${randomBytes(6).toString("hex")}`;
    const client = new Redis(redisUrl(), { ...breaking, lazyConnect: true }) as unknown as Redis;
    const errors: unknown[] = [];
    const onError = (error: unknown) => {
      errors.push(error);
    };
    const layer = new RedisStreamsLayer({ client, prefix, onError });
    const other = new RedisStreamsLayer({ url: redisUrl(), prefix, onError });
    const inbox = new Recorder();
    const worker = new Worker(({ delivery }) => {
      if (delivery.attempt === 1) throw new Error("not yet");
    });
    await layer.groupAdd("room", await layer.newChannel(inbox));
    await other.groupSend("room", { type: "in" });
    await layer.groupSend("room", { type: "out" });
    await Promise.all([inbox.next("in"), inbox.next("out")]);
    expect((await layer.history("room")).entries).to.deep.equal(inbox.mails);
    await layer.consume("jobs", worker.handle, { retryAfterMs: 0 });
    for (const [number, node] of [layer, other, layer].entries()) {
      await node.send("jobs", { type: "job", number });
      await worker.hasBegun(2 * (number + 1));
    }
    await Promise.all([layer.close(), other.close()]);
    expect(layer.counters()).to.include({ consumed: 3, delivered: 2 });
    expect(errors.map(String)).to.deep.equal(new Array(3).fill("Error: not yet"));
  });
});
