import { expect } from "chai";
import type { Redis } from "ioredis";
import type { PubSubCommands } from "../../../../layers/redis/connection/pubsub-commands.ts";
import type { PubSubOptions } from "../../../../layers/redis/connection/pubsub-settings.ts";
import { RedisPubSubLayer, RedisStreamsLayer, type RedisTarget } from "../../../../layers/redis/index.ts";
import { queueKeys } from "../../../../layers/redis/jobs/queue-scripts.ts";
import { streamNames } from "../../../../layers/redis/streams/stream-format.ts";
import { publishEntries } from "../../../../layers/redis/streams/stream-scripts.ts";
import { describeChannelLayer, Worker } from "../../../../layers/testing/index.ts";
import { TestNodes } from "../../../../layers/testing/test-nodes.ts";
import { type EncryptableImplementation, encrypted, withKeys } from "../../support/encrypted.ts";

/** The target of the layers, and plain clients of the target's servers. */
export interface RedisTopology {
  target(): RedisTarget & PubSubOptions;
  /** One client per server. */
  clients(): readonly Redis[];
  /** Returns the client of the server that holds `key`. */
  clientOf(key: string): Redis;
  readonly commands: PubSubCommands;
}

// Read anew for each spec file. When files run in parallel, mocha creates these functions for each file, but
// loads this module once.
const runner = () => ({ describe, it, beforeEach, afterEach });
const nothingKept = "pub/sub keeps nothing";

/** Runs the suite for both Redis layers, and a few encrypted cases that depend on the topology. */
export function describeRedisLayers(topology: RedisTopology): void {
  for (const [name, implementation] of Object.entries(redisLayers(topology))) {
    describeChannelLayer(name, { ...runner(), ...implementation });
    describeEncryption(name, implementation, topology);
  }
}

/** Runs the suite for both Redis layers, with and without encryption. */
export function describeEncryptedRedisLayers(topology: RedisTopology): void {
  for (const [name, implementation] of Object.entries(redisLayers(topology))) {
    describeChannelLayer(name, { ...runner(), ...implementation });
    describeChannelLayer(`${name}, encrypted`, { ...runner(), ...encrypted(implementation) });
  }
}

function redisLayers({ target, clients, clientOf, commands }: RedisTopology) {
  const publish = (topic: string, payload: Uint8Array) =>
    commands.publish(clientOf(topic), topic, Buffer.from(payload));
  const cut = () => Promise.all(clients().map((client) => client.call("CLIENT", "KILL", "TYPE", "pubsub")));

  const pubSub: EncryptableImplementation = {
    startNode: (prefix, options) => new RedisPubSubLayer({ ...options, ...target(), prefix }),
    publish,
    cut,
    lacks: { recovery: nothingKept, history: nothingKept, queues: nothingKept },
  };
  const streams: EncryptableImplementation = {
    startNode: (prefix, options) => new RedisStreamsLayer({ ...options, ...target(), prefix }),
    publish: (topic, payload) => {
      if (!topic.includes("__group__")) return publish(topic, payload);
      const names = streamNames(topic);
      return publishEntries(clientOf(names.channel), {
        names,
        payloads: [Buffer.from(payload)],
        limit: { capacity: 100, expiryMs: 60_000, headExpiryMs: 60_000 },
        command: commands.name,
      });
    },
    enqueue: (queue, payload) => {
      const { stream, tag } = queueKeys(queue);
      return clientOf(tag).xadd(stream, "*", "payload", Buffer.from(payload));
    },
    cut,
    lacks: { gap: "payloads missed in an outage are read from the stream" },
  };
  return { RedisPubSubLayer: pubSub, RedisStreamsLayer: streams };
}

const names = Array.from({ length: 40 }, (_, index) => `room-${index}`);
// {"type": "x"}
const plain = Buffer.from("81a474797065a178", "hex");

/** Covers a topic, a history and a queue on each server. */
function describeEncryption(
  name: string,
  implementation: EncryptableImplementation,
  { clients, clientOf }: RedisTopology,
): void {
  describe(`${name}, encrypted`, () => {
    const nodes = new TestNodes(withKeys(implementation));
    beforeEach(() => nodes.open());
    afterEach(() => nodes.close());

    it("delivers messages of groups on every server, and none that is not encrypted", async () => {
      const servers = new Set(names.map((group) => clientOf(`${nodes.prefix}__group__${group}`)));
      expect(servers.size).to.be.at.least(Math.min(2, clients().length));
      const { inbox } = await nodes.addChannel(nodes.one, ...names);
      for (const group of names) {
        await nodes.publishToGroup(group, plain);
        await nodes.other.groupSend(group, { type: "end", group });
      }
      await inbox.until(() => inbox.mails.length >= names.length);
      expect(inbox.messages.map(({ group }) => group)).to.have.members(names);
      expect(nodes.one.counters().dropped).to.deep.equal({ undecryptable: names.length });
      expect(nodes.errors.length).to.be.at.least(1);
    });

    it("delivers direct sends, and none that is not encrypted", async () => {
      const { channel, inbox } = await nodes.addChannel(nodes.one);
      await nodes.publishToNode(nodes.one, plain);
      await nodes.other.send(channel, { type: "end" });
      await inbox.next("end");
      expect(inbox.types).to.deep.equal(["end"]);
      expect(nodes.one.counters().dropped).to.deep.equal({ undecryptable: 1 });
    });
    if (implementation.lacks?.history !== undefined) return;

    it("keeps histories on every server, without messages that are not encrypted", async () => {
      for (const group of names) {
        await nodes.other.groupSend(group, { type: "first", group });
        await nodes.publishToGroup(group, plain);
        await nodes.other.groupSend(group, { type: "last", group });
        const { entries, complete, position } = await nodes.one.history(group);
        expect(entries.map(({ message }) => [message.type, message.group])).to.deep.equal([
          ["first", group],
          ["last", group],
        ]);
        expect([complete, position?.offset]).to.deep.equal([true, 3]);
      }
    });

    it("keeps queues on every server, and buries jobs that are not encrypted", async () => {
      const worker = new Worker();
      for (const queue of names) {
        await nodes.enqueue(queue, plain);
        await nodes.other.send(queue, { type: "job", number: queue });
        await nodes.one.consume(queue, worker.handle);
      }
      await worker.hasBegun(names.length);
      expect(worker.numbers).to.have.members(names);
      expect(nodes.one.counters().dropped).to.deep.equal({ undecryptable: names.length });
    });
  });
}
