import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect } from "chai";
import { Redis } from "ioredis";
import { LayerSetupError, LayerUnavailableError } from "../../../../layers/errors.ts";
import { StateKeys } from "../../../../layers/redis/state/state-keys.ts";
import { type RedisServer, redisUrl, startRedisServer } from "../../../support/redis.ts";
import { describeState } from "../../support/describe-state.ts";
import {
  bytes,
  commit,
  listen,
  message,
  newPartition,
  Owner,
  shipment,
  texts,
} from "../../support/state/fixture.ts";
import { until } from "../../support/until.ts";
import { openNode, openNodes, type StateNode } from "./support/state-nodes.ts";

describeState("Redis", () => openNodes({ url: redisUrl() }));

/** The error with which a call rejects. */
const failure = (call: Promise<unknown>): Promise<unknown> =>
  call.then(
    () => undefined,
    (error: unknown) => error,
  );

describe("named actors on Redis", () => {
  const keys = new StateKeys("chat");
  let server: RedisServer;
  let client: Redis;
  let nodes: StateNode[];
  beforeEach(async () => {
    server = await startRedisServer();
    client = new Redis(server.url);
    client.on("error", () => {});
    nodes = [];
  });
  afterEach(async () => {
    await Promise.all(nodes.map(({ backend }) => backend.close()));
    client.disconnect();
    await server.kill();
  });

  async function node(): Promise<StateNode> {
    const opened = await openNode({ url: server.url });
    nodes.push(opened);
    await opened.state.open();
    return opened;
  }

  it("refuses a server that may evict any key, and says what to do", async () => {
    await client.config("SET", "maxmemory-policy", "allkeys-lru");
    const opened = await openNode({ url: server.url });
    nodes.push(opened);
    const error = await failure(opened.state.open());
    expect(error).to.be.instanceOf(LayerSetupError);
    expect(String(error)).to.include("allkeys-lru").and.to.include("noeviction").and.to.include(server.host);
    await client.config("SET", "maxmemory-policy", "volatile-lru");
    await opened.state.open();
  });

  it("warns of a server without an append-only file, and of one that does not tell", async () => {
    const opened = await openNode({ url: server.url });
    nodes.push(opened);
    const warnings = (await opened.state.open()).map(String);
    expect(warnings).to.have.length(1);
    expect(warnings[0]).to.include("appendonly yes");
    const folder = await mkdtemp(join(tmpdir(), "greenroom-state-"));
    const safe = await startRedisServer({ args: ["--appendonly", "yes", "--dir", folder] });
    const second = await openNode({ url: safe.url });
    expect(await second.state.open()).to.deep.equal([]);
    await second.backend.close();
    await safe.kill();
    await rm(folder, { recursive: true });
    await client.call("ACL", "SETUSER", "app", "on", ">pw", "~*", "&*", "+@all", "-info");
    const third = await openNode({ url: server.url.replace("//", "//app:pw@") });
    nodes.push(third);
    expect((await third.state.open()).map(String).join()).to.include("+info");
  });

  it("commits, claims and releases while the memory is full, but stores no new messages", async () => {
    const { state } = await node();
    const partition = newPartition();
    const owner = await Owner.of(state, partition);
    await state.ship(partition, shipment([message(1, "a")]));
    await client.config("SET", "maxmemory", "1mb");
    const error = await failure(state.ship(partition, shipment([message(2, "a")])));
    expect(error).to.be.instanceOf(LayerUnavailableError);
    expect(String(error)).to.include("OOM");
    const turn = { commits: [commit("a", "v-0", { taken: 1 })], shipment: shipment([message(2, "a")]) };
    expect(String(await failure(owner.turn(turn)))).to.include("OOM");
    await owner.commit(commit("a", "v-1", { taken: 1, deadline: 1, outbox: [bytes("x")] }));
    expect(await state.read(partition, "a")).to.deep.include({ mailbox: 0, deadline: 1 });
    await state.release(partition, owner.token);
    await Owner.of(state, partition);
    await state.replace(partition, "a", undefined, undefined);
    expect(await state.keys(partition)).to.deep.equal([]);
    await client.config("SET", "maxmemory", "0");
    expect((await state.ship(partition, shipment([message(2, "a")]))).outcomes).to.deep.equal(["stored"]);
  });

  for (const part of ["state", "timers", "waiting", "parked", "loads", "outbox", "dead"] as const) {
    it(`writes nothing in a turn if "${part}" has a wrong type`, async () => {
      const { state } = await node();
      const partition = newPartition();
      const owner = await Owner.of(state, partition);
      await state.ship(partition, shipment([message(1, "a"), message(2, "b")]));
      const names = keys.partition(partition);
      await client.rename(names[part], "aside").catch(() => {});
      await client.set(names[part], "wrong");
      const before = await dump();
      const first = commit("a", "v-1", { taken: 1, deadline: 5, outbox: [bytes("x")] });
      const second = commit("b", "v-1", { parked: bytes("why"), dead: [bytes("y")] });
      const error = await failure(owner.commit(first, second));
      expect(String(error)).to.include("WRONGTYPE");
      expect(await dump()).to.deep.equal(before);
    });
  }

  it("writes nothing if a mailbox or the senders have a wrong type", async () => {
    const { state } = await node();
    const partition = newPartition();
    const owner = await Owner.of(state, partition);
    await client.set(keys.mailbox(partition, "b"), "wrong");
    const before = await dump();
    const ship = () => failure(state.ship(partition, shipment([message(1, "a"), message(2, "b")])));
    expect(String(await ship())).to.include("WRONGTYPE");
    const error = await failure(owner.commit(commit("a", "v-1"), commit("b", "v-1", { taken: 1 })));
    expect(String(error)).to.include("WRONGTYPE").and.to.include("mail:b");
    expect(await dump()).to.deep.equal(before);
    await client.del(keys.mailbox(partition, "b"));
    await client.set(keys.partition(partition).senders, "wrong");
    expect(String(await ship())).to.include("WRONGTYPE");
    expect(await client.exists(keys.mailbox(partition, "a"))).to.equal(0);
    const turn = { commits: [commit("a", "v-1")], shipment: shipment([message(1, "a")]) };
    expect(String(await failure(owner.turn(turn))))
      .to.include("WRONGTYPE")
      .and.to.include("senders");
    expect((await state.read(partition, "a")).state).to.equal(undefined);
  });

  it("repeats scripts that the server has forgotten", async () => {
    const { state } = await node();
    const partition = newPartition();
    const owner = await Owner.of(state, partition);
    await client.script("FLUSH");
    await state.ship(partition, shipment([message(1, "a")]));
    expect(await owner.messages("a")).to.deep.equal(["1"]);
  });

  it("subscribes every topic again after an outage, and then reports a gap", async () => {
    const { state } = await node();
    const partition = newPartition();
    const received: string[] = [];
    await state.subscribe(
      { partition, topic: "wake" },
      {
        payload: (payload) => received.push(...texts([payload]).map(String)),
        gap: () => received.push("gap"),
      },
    );
    await client.call("CLIENT", "KILL", "TYPE", "pubsub");
    await until(() => received.length === 1);
    await state.ship(partition, shipment([message(1, "a")]));
    await until(() => received.length === 2);
    expect(received).to.deep.equal(["gap", '["a"]']);
  });

  it("loses no member when the server is replaced, although no node listens at first", async () => {
    const [one, two] = [await node(), await node()];
    const kind = "lot";
    for (const { state } of [one, two]) await listen(state, { kind, topic: "members" });
    const beat = ({ state }: StateNode, name: string) => state.beat(kind, { node: name, version: 1 }, 2_500);
    await beat(one, "one");
    await beat(two, "two");
    // As if another server had taken over, which has the data and no subscriptions.
    await client.hset(keys.kind(kind).beats, "server", "another");
    await client.call("CLIENT", "KILL", "TYPE", "pubsub");
    const { members } = await beat(one, "one");
    expect(members.map(({ node: name }) => name)).to.have.members(["one", "two"]);
  });

  it("forgets senders that were silent for a day, once there are more than 1,000", async () => {
    const { state } = await node();
    const partition = newPartition();
    const { senders } = keys.partition(partition);
    const now = Math.floor(Date.now() / 1_000);
    const old = Array.from({ length: 999 }, (_, index) => [`old-${index}`, `5 ${now - 90_000}`]);
    await client.hset(senders, ...old.flat(), "young", `7 ${now - 80_000}`);
    const owner = await Owner.of(state, partition);
    expect(await client.hlen(senders)).to.equal(1_000);
    await client.hset(senders, "one", `7 ${now} 3f`);
    await owner.backend.release(partition, owner.token);
    await Owner.of(state, partition);
    expect(await client.hkeys(senders)).to.have.members(["young", "one"]);
  });

  it("stores a sleeping actor in its snapshot and 150 bytes, and a timer in 130 bytes", async () => {
    const { state } = await node();
    const partition = newPartition();
    const owner = await Owner.of(state, partition);
    const used = async () => Number(/^used_memory:(\d+)/m.exec(await client.info("memory"))?.[1]);
    const data = Buffer.alloc(200, "x");
    const count = 20_000;
    const fill = async (name: string, deadline?: number) => {
      const before = await used();
      for (let from = 0; from < count; from += 500) {
        const commits = Array.from({ length: 500 }, (_, index) => ({
          ...commit(`${name}-${from + index}`, ""),
          state: { version: "1a2b3c4d-1", data },
          ...(deadline !== undefined && { deadline: deadline + from + index }),
        }));
        await owner.commit(...commits);
      }
      return ((await used()) - before) / count - data.length;
    };
    const plain = await fill("plain");
    const timed = await fill("timed", Date.now());
    expect(plain).to.be.below(150);
    expect(timed - plain).to.be.below(130);
  });

  /** All data of the server. */
  async function dump(): Promise<Record<string, string>> {
    const names = (await client.keys("*")).sort();
    const values = await Promise.all(names.map((name) => client.dumpBuffer(name)));
    return Object.fromEntries(names.map((name, index) => [name, String(values[index]?.toString("hex"))]));
  }
});
