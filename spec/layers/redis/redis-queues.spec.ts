import { Redis } from "ioredis";
import { describeWorkQueues } from "../../../layers/testing/index.ts";
import { redisUrl } from "../../support/redis.ts";
import { queueLayer } from "./support/queue-layer.ts";

/** A client that knows nothing of this package. */
let raw: Redis;
before(() => {
  raw = new Redis(redisUrl());
});
after(() => raw.quit());

describeWorkQueues("RedisQueues", {
  startNode: (world, options) => queueLayer({ ...options, url: redisUrl(), prefix: world }),
  publish: (topic, payload) => raw.publish(topic, Buffer.from(payload)),
  enqueue: (queue, payload) => raw.xadd(`{${queue}}`, "*", "payload", Buffer.from(payload)),
});
