import { expect } from "chai";
import { Redis } from "ioredis";
import { atTurnEnd } from "../../../../layers/redis/connection/end-of-turn.ts";
import { RedisConnection } from "../../../../layers/redis/connection/redis-connection.ts";
import { fixedOptions } from "../../../../layers/redis/connection/server-options.ts";
import { nextTurn } from "../../../support/next-turn.ts";
import { type RedisServer, startRedisServer } from "../../../support/redis-server.ts";

const nextTick = () => new Promise<void>((resolve) => process.nextTick(resolve));

describe("atTurnEnd", () => {
  it("calls all work in order, including work added meanwhile, and nothing twice", async () => {
    const called: string[] = [];
    const note = (text: string) => () => void called.push(text);
    atTurnEnd(() => {
      note("a")();
      atTurnEnd(note("c"));
    });
    await nextTick();
    atTurnEnd(note("b"));
    expect(called).to.deep.equal([]);
    await nextTurn();
    expect(called).to.deep.equal(["a", "b", "c"]);
    atTurnEnd(note("d"));
    await nextTurn();
    expect(called).to.deep.equal(["a", "b", "c", "d"]);
  });
});

describe("RedisConnection", () => {
  let server: RedisServer;
  before(async () => {
    server = await startRedisServer();
  });
  after(() => server.stop());

  it("writes all commands of a turn of the event loop together", async () => {
    const clock = { setTimeout, clearTimeout: (id: unknown) => clearTimeout(id as NodeJS.Timeout) };
    const { hostname: host, port } = new URL(server.url);
    const connection = new RedisConnection(
      "publisher",
      {
        address: server.url,
        connectTimeoutMs: 5_000,
        options: { ...fixedOptions, host, port: Number(port) },
      },
      { up() {}, down() {}, error() {} },
      clock,
    );
    const onlooker = new Redis(server.url);
    /** The number of times that the server has read from a socket. */
    const reads = async () => Number(/total_reads_processed:(\d+)/.exec(await onlooker.info("stats"))?.[1]);
    await connection.open();
    const before = await reads();
    const answers: Promise<unknown>[] = [];
    for (let count = 0; count < 20; count += 1) {
      answers.push(connection.run((redis) => redis.ping()));
      await nextTick();
    }
    await Promise.all(answers);
    // One read for the twenty commands, and one for this INFO command.
    expect((await reads()) - before).to.equal(2);
    await connection.close();
    onlooker.disconnect();
  });
});
