import { once } from "node:events";
import { createServer } from "node:net";
import { expect } from "chai";
import { Redis } from "ioredis";
import { SimulatedClock } from "xstate";
import type { ChannelLayer } from "../../../layers/channel-layer.ts";
import { LayerUnavailableError } from "../../../layers/errors.ts";
import {
  RedisPubSubLayer,
  type RedisPubSubLayerOptions,
  RedisStreamsLayer,
} from "../../../layers/redis/index.ts";
import { Recorder } from "../../../layers/testing/index.ts";
import { type RedisServer, startRedisServer } from "../../support/redis.ts";
import { until, untilResolved } from "../support/until.ts";

const layers = [
  { Layer: RedisPubSubLayer, topicOf: (group: string) => `chat__group__${group}` },
  { Layer: RedisStreamsLayer, topicOf: (group: string) => `{chat__group__${group}}` },
] as const;

for (const { Layer, topicOf } of layers) {
  describe(`${Layer.name} in an outage`, () => {
    let server: RedisServer;
    let layer: ChannelLayer;
    const topic = topicOf("room");
    let errors: Error[];
    beforeEach(async () => {
      server = await startRedisServer();
      startLayer();
    });
    afterEach(async () => {
      await layer.close();
      await server.kill();
    });

    function startLayer(options: Partial<RedisPubSubLayerOptions> = {}): void {
      errors = [];
      const onError = (error: unknown) => errors.push(error as Error);
      layer = new Layer({ url: server.url, prefix: "chat", onError, ...options });
    }

    async function crash(): Promise<void> {
      await server.kill();
      // Waits until the publishing connection reports the outage. Before that, a send would fail at once.
      await until(() => layer.health.reason?.includes("publisher") === true);
    }

    async function comeBack(): Promise<void> {
      server = await startRedisServer({ port: server.port });
    }

    const turn = () => new Promise((resolve) => setImmediate(resolve));

    async function join(group = "room"): Promise<{ channel: string; inbox: Recorder }> {
      const inbox = new Recorder();
      const channel = await layer.newChannel(inbox);
      await layer.groupAdd(group, channel);
      return { channel, inbox };
    }

    async function rejection(call: Promise<unknown>): Promise<Error> {
      return call.then(
        () => expect.fail("It did not reject."),
        (error: Error) => error,
      );
    }

    /** The gaps of a member's groups, without those of direct sends. */
    const groupGaps = ({ gaps }: Recorder) => gaps.filter(({ group }) => group !== undefined);

    /** Whether `call` settles without any reply. */
    async function settlesAtOnce(call: Promise<unknown>): Promise<boolean> {
      return Promise.race([
        call.then(
          () => true,
          () => true,
        ),
        turn().then(() => false),
      ]);
    }

    it("rejects a send at once if no message may wait, and never sends it later", async () => {
      await layer.close();
      startLayer({ commandQueue: { capacity: 0 } });
      const { channel, inbox } = await join();
      await crash();
      const sending = layer.groupSend("room", { type: "stale" });
      expect(await settlesAtOnce(sending)).to.equal(true);
      const error = await rejection(sending);
      expect(error).to.be.instanceOf(LayerUnavailableError);
      expect(error.message).to.include(`${server.host}:${server.port}`);
      await rejection(layer.send(channel, { type: "stale" }));
      expect(layer.counters().dropped).to.deep.equal({ unavailable: 2 });
      await comeBack();
      await inbox.until(() => groupGaps(inbox).length === 1);
      await until(() => layer.health.ok);
      await layer.groupSend("room", { type: "end" });
      await inbox.next("end");
      expect(inbox.types).to.deep.equal(["end"]);
    });

    it("sends waiting messages in order if the outage ends in time", async () => {
      await layer.close();
      startLayer({ commandQueue: { deadlineMs: 10_000 } });
      const { inbox } = await join();
      const raw = new Redis(server.url);
      await raw.call("CLIENT", "KILL", "TYPE", "normal");
      await until(() => !layer.health.ok);
      const numbers = Array.from({ length: 100 }, (_, index) => index);
      await Promise.all(numbers.map((number) => layer.groupSend("room", { type: "x", number })));
      await layer.groupSend("room", { type: "end" });
      await inbox.next("end");
      expect(inbox.messages.slice(0, -1).map(({ number }) => number)).to.deep.equal(numbers);
      expect(inbox.gaps).to.deep.equal([]);
      await raw.quit();
    });

    it("rejects a send that has waited too long, and counts it", async () => {
      await layer.close();
      const clock = new SimulatedClock();
      startLayer({ clock });
      await layer.ready();
      await crash();
      const sending = rejection(layer.groupSend("room", { type: "stale" }));
      clock.increment(499);
      expect(await settlesAtOnce(sending)).to.equal(false);
      clock.increment(1);
      const error = await sending;
      expect(error).to.be.instanceOf(LayerUnavailableError);
      expect(error.message).to.include(`${server.host}:${server.port}`).and.to.include("500 ms");
      expect(layer.counters().dropped).to.deep.equal({ unavailable: 1 });
    });

    it("rejects a send that is under way when the connection breaks", async () => {
      await layer.ready();
      await server.pause();
      const sending = rejection(layer.groupSend("room", { type: "x" }));
      await server.kill();
      expect(await sending).to.be.instanceOf(LayerUnavailableError);
    });

    it("reports one gap to each member of each group when the outage is over", async () => {
      const [first, second, another] = [await join(), await join(), await join("another")];
      await crash();
      await comeBack();
      for (const { inbox } of [first, second, another]) {
        await inbox.until(() => groupGaps(inbox).length > 0);
      }
      await until(() => layer.health.ok);
      await layer.groupSend("room", { type: "end" });
      await layer.groupSend("another", { type: "end" });
      for (const { inbox } of [first, second, another]) await inbox.next("end");
      for (const { inbox } of [first, second, another]) {
        expect(inbox.gaps.filter(({ group }) => group === undefined)).to.deep.equal([{}]);
      }
      expect(groupGaps(first.inbox)).to.deep.equal([{ group: "room" }]);
      expect(groupGaps(second.inbox)).to.deep.equal([{ group: "room" }]);
      expect(groupGaps(another.inbox)).to.deep.equal([{ group: "another" }]);
    });

    it("lets members leave at once, and does not subscribe their group again", async () => {
      const { channel } = await join();
      const stays = await join("another");
      await crash();
      expect(await settlesAtOnce(layer.groupDiscard("room", channel))).to.equal(true);
      await comeBack();
      await stays.inbox.until(() => groupGaps(stays.inbox).length === 1);
      const raw = new Redis(server.url);
      const subscribers = async (name: string) => (await raw.pubsub("NUMSUB", name))[1];
      await until(async () => (await subscribers(topicOf("another"))) === 1);
      expect(await subscribers(topic)).to.equal(0);
      await raw.quit();
    });

    it("lets a join wait for the end of the outage, without a gap", async () => {
      await layer.close();
      // The join may wait for this long.
      startLayer({ connectTimeoutMs: 60_000 });
      const { inbox, channel } = await join("another");
      await crash();
      const joining = layer.groupAdd("room", channel);
      expect(await settlesAtOnce(joining)).to.equal(false);
      await comeBack();
      await joining;
      await until(() => layer.health.ok);
      await layer.groupSend("room", { type: "end" });
      await inbox.next("end");
      // The gap belongs to another group, so it may arrive before or after the messages of this group.
      await inbox.until(() => groupGaps(inbox).length > 0);
      expect(groupGaps(inbox)).to.deep.equal([{ group: "another" }]);
    });

    it("rejects a join at the deadline, and leaves no subscription", async () => {
      await layer.close();
      const clock = new SimulatedClock();
      startLayer({ clock, connectTimeoutMs: 5_000 });
      const { inbox, channel } = await join("another");
      await crash();
      const joining = rejection(layer.groupAdd("room", channel));
      clock.increment(4_999);
      expect(await settlesAtOnce(joining)).to.equal(false);
      clock.increment(1);
      const error = await joining;
      expect(error).to.be.instanceOf(LayerUnavailableError);
      expect(error.message).to.include(`${server.host}:${server.port}`);
      await comeBack();
      const raw = new Redis(server.url);
      const subscribers = async (name: string) => (await raw.pubsub("NUMSUB", name))[1];
      await until(async () => {
        // The head of a history is requested again after a pause.
        clock.increment(100);
        return groupGaps(inbox).length === 1 && (await subscribers(topicOf("another"))) === 1;
      });
      expect(await subscribers(topic)).to.equal(0);
      await raw.publish(topic, Buffer.from("81a474797065a178", "hex"));
      await raw.publish(topicOf("another"), Buffer.from("81a474797065a3656e64", "hex"));
      await inbox.next("end");
      expect(inbox.types).to.deep.equal(["end"]);
      await layer.groupAdd("room", channel);
      expect(await subscribers(topic)).to.equal(1);
      await raw.quit();
    });

    it("rejects a send to a frozen server, and is healthy when the server resumes", async () => {
      await layer.close();
      startLayer({ connectTimeoutMs: 1_000 });
      const inbox = new Recorder();
      let channel = "";
      await untilResolved(() => layer.ready());
      await untilResolved(async () => {
        channel = await layer.newChannel(inbox);
      });
      await untilResolved(() => layer.groupAdd("room", channel));
      await server.pause();
      const calls = [layer.groupSend("room", { type: "x" }), layer.groupAdd("another", channel)];
      for (const error of await Promise.all(calls.map(rejection))) {
        expect(error).to.be.instanceOf(LayerUnavailableError);
      }
      await server.resume();
      await until(() => layer.health.ok);
      // The reply to this join arrives after the replies to the earlier subscriptions.
      await untilResolved(() => layer.groupAdd("third", channel));
      await until(async () => {
        await untilResolved(() => layer.groupSend("room", { type: "end" }));
        return inbox.types.includes("end");
      });
    });

    it("shows the outage in its health, and reports it once per connection and reason", async () => {
      const { inbox } = await join();
      await crash();
      expect(layer.health.ok).to.equal(false);
      expect(layer.health.reason).to.include(`${server.host}:${server.port}`);
      let attempts = 0;
      const deaf = createServer((socket) => {
        attempts += 1;
        socket.destroy();
      }).listen(server.port, server.host);
      await until(() => attempts >= 4);
      deaf.close();
      await once(deaf, "close");
      await comeBack();
      await inbox.until(() => groupGaps(inbox).length === 1);
      await until(() => layer.health.ok);
      const texts = errors.map(({ message }) => message);
      expect(new Set(texts).size, texts.join("\n")).to.equal(texts.length);
      for (const role of ["publisher", "subscriber"]) expect(texts.join("\n")).to.include(`(${role})`);
    });

    it("can be closed during the outage", async () => {
      await join();
      await crash();
      const waiting = [join("another"), layer.groupSend("room", { type: "x" })].map(rejection);
      await layer.close();
      expect(await settlesAtOnce(Promise.all(waiting))).to.equal(true);
      for (const error of await Promise.all(waiting)) {
        expect(error).to.have.property("code", "ERR_LAYER_CLOSED");
      }
    });
  });
}
