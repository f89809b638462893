import { randomUUID } from "node:crypto";
import { expect } from "chai";
import { RedisPubSubLayer, RedisStreamsLayer } from "greenroom/redis";
import type { Task } from "../../../../layers/scheduling/lane.ts";
import { unlimited } from "../../../../layers/scheduling/lane.ts";
import { Recorder } from "../../../../layers/testing/index.ts";
import { redisUrl } from "../../../support/redis.ts";

const count = 12_000;

describe("A node that delivers more slowly than messages arrive", () => {
  // Without flow control, a flood of small messages for a group of 2,000 members blocked the event loop for 2.3 s.
  for (const Layer of [RedisPubSubLayer, RedisStreamsLayer]) {
    it(`leaves the messages at the server, and gets all of them later: ${Layer.name}`, async () => {
      const options = { url: redisUrl(), prefix: randomUUID() };
      const node = new Layer(options);
      const sender = new Layer(options);
      const inbox = new Recorder();
      await node.groupAdd("room", await node.newChannel(inbox));
      // A lane without time for deliveries.
      const tasks: Task[] = [];
      node.lane = { add: (task) => tasks.push(task) };
      const sends = Array.from({ length: count }, (_, number) =>
        sender.groupSend("room", { type: "number", number, text: "x".repeat(500) }),
      );
      await Promise.all(sends);
      // Half of the limit, and what has arrived in the same chunks of the socket.
      expect(node.counters().received).to.be.below(6_000);
      const lane = { add: (task: Task) => void setImmediate(() => task.run(unlimited)) };
      node.lane = lane;
      for (const task of tasks) lane.add(task);
      await inbox.until(() => inbox.mails.length === count);
      expect(inbox.numbers).to.deep.equal(sends.map((_, number) => number));
      expect(inbox.gaps).to.deep.equal([]);
      await Promise.all([node.close(), sender.close()]);
    });
  }
});
