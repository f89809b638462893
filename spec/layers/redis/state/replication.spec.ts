import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect } from "chai";
import { type RedisServer, startRedisServer } from "../../../support/redis.ts";
import { commit, message, newPartition, Owner, shipment } from "../../support/state/fixture.ts";
import { openNode, type StateNode } from "./support/state-nodes.ts";

describe("Named actors on a Redis with replicas", () => {
  let folder: string;
  let master: RedisServer;
  let replica: RedisServer | undefined;
  let node: StateNode;
  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), "greenroom-replica-"));
    master = await start("master.rdb");
    node = await openNode({ url: master.url });
    await node.state.open();
  });
  afterEach(async () => {
    await node.backend.close();
    await Promise.all([master.kill(), replica?.kill()]);
    replica = undefined;
    await rm(folder, { recursive: true });
  });

  const start = (file: string, ...args: string[]) =>
    startRedisServer({
      args: ["--dir", folder, "--dbfilename", file, "--repl-diskless-sync-delay", "0", ...args],
    });

  it("reject what no replica confirms, and take the same call again once there is a replica", async () => {
    const { state } = node;
    const partition = newPartition();
    const owner = await Owner.of(state, partition);
    const sent = shipment([message(1, "a")], { replicas: 1 });
    const told = "only 0 of 1 replicas confirmed it";
    for (const call of [
      state.ship(partition, sent),
      owner.turn({ commits: [commit("b", "v-1")], replicas: 1 }),
    ]) {
      const error = await call.then(String, String);
      expect(error).to.include("LayerUnavailableError").and.to.include(told);
    }
    replica = await start("replica.rdb", "--replicaof", master.host, String(master.port));
    const confirm = async (): Promise<void> => {
      const { outcomes } = await state.ship(partition, sent).catch(() => ({ outcomes: undefined }));
      if (outcomes === undefined) return confirm();
      expect(outcomes).to.deep.equal(["stored"]);
    };
    await confirm();
    expect((await state.read(partition, "a")).mailbox).to.equal(1);
  });
});
