import { Redis } from "ioredis";
import { pubSub } from "../../../../layers/redis/connection/pubsub-commands.ts";
import { redisUrl } from "../../../support/redis.ts";
import { describeEncryptedRedisLayers } from "../support/describe-redis-layers.ts";

describe("a layer on one server", () => {
  let raw: Redis;
  before(() => {
    raw = new Redis(redisUrl());
  });
  after(() => raw.quit());

  describeEncryptedRedisLayers({
    target: () => ({ url: redisUrl() }),
    clients: () => [raw],
    clientOf: () => raw,
    commands: pubSub,
  });
});
