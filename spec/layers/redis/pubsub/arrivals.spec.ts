import { randomBytes } from "node:crypto";
import { expect } from "chai";
import type { Backend } from "greenroom";
import { RedisPubSubBackend } from "../../../../layers/redis/pubsub/pubsub-backend.ts";
import { RedisStreamsBackend } from "../../../../layers/redis/streams/streams-backend.ts";
import { Topics } from "../../../../layers/wire/topics.ts";
import { redisUrl } from "../../../support/redis.ts";
import { startTcpProxy, type TcpProxy } from "../../../support/tcp-proxy.ts";
import { until } from "../../support/until.ts";

const each = 10;

describe("payloads that arrive together on a socket", () => {
  let proxy: TcpProxy;
  let backends: Backend[];
  beforeEach(async () => {
    proxy = await startTcpProxy(Number(new URL(redisUrl()).port));
  });
  afterEach(async () => {
    await Promise.all(backends.map((backend) => backend.close()));
    await proxy.close();
  });

  // Tests the backends, because layers may spread their deliveries over several turns.
  for (const Kind of [RedisPubSubBackend, RedisStreamsBackend]) {
    it(`are passed on in one turn of the event loop, regardless of their groups: ${Kind.name}`, async () => {
      const prefix = `arrivals-${randomBytes(6).toString("hex")}`;
      const names = new Topics(prefix);
      const topics = ["red", "green", "blue", "grey", "pink"].map((group) => names.group(group));
      const near = new Kind({ url: `redis://127.0.0.1:${proxy.port}`, prefix });
      const far = new Kind({ url: redisUrl(), prefix });
      backends = [near, far];
      const arrived: string[] = [];
      /** The number of payloads so far, at the end of each turn in which payloads arrived. */
      const counts: number[] = [];
      await near.open({
        payload(topic, payload) {
          if (arrived.length === (counts.at(-1) ?? 0)) setImmediate(() => counts.push(arrived.length));
          arrived.push(`${topic} ${Buffer.from(payload)}`);
        },
        gap() {},
        error() {},
      });
      await far.open({ payload() {}, gap() {}, error() {} });
      await Promise.all(topics.map((topic) => near.subscribe(topic)));

      const holding = proxy.hold();
      const numbers = Array.from({ length: each }, (_, number) => number);
      const publishing = numbers.flatMap((number) =>
        topics.map((topic) => far.publish(topic, Buffer.from(`${topic}-${number}.`))),
      );
      await Promise.all(publishing);
      await until(() => topics.every((topic) => holding.kept.includes(`${topic}-${each - 1}.`)));
      holding.release();
      await until(() => counts.at(-1) === each * topics.length);
      expect(counts).to.have.length(1);
      for (const topic of topics) {
        const own = arrived.filter((payload) => payload.startsWith(`${topic} `));
        expect(own).to.deep.equal(numbers.map((number) => `${topic} ${topic}-${number}.`));
      }
    });
  }
});
