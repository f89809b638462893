import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Redis } from "ioredis";
import { freePort } from "./free-port.ts";
import { type RedisServer, startRedisServer } from "./redis-server.ts";

/** Three masters, each with a third of the slots, and a replica of the first master. */
export interface RedisClusterServers {
  readonly masters: readonly RedisServer[];
  readonly replica: RedisServer;
  /** The clients of the masters, then of the replica. */
  readonly clients: readonly Redis[];
  /** The index of the master of `slot`. */
  masterOf(slot: number): number;
  /** Makes the servers consider a server dead that is silent for `ms`, and start a failover. */
  watch(ms: number): Promise<void>;
  /** Makes the replica the master of its slots while the first master runs. Resolves once the replica is the master. */
  failOver(): Promise<void>;
  /** Moves a slot with its keys to another master, as `redis-cli --cluster reshard` does. */
  moveSlot(slot: number, from: number, to: number): Promise<void>;
  stop(): Promise<void>;
}

const ranges = [
  [0, 5_460],
  [5_461, 10_922],
  [10_923, 16_383],
] as const;

const discoveryTimeoutMs = 1_000;

/** Even a healthy server is silent for a while on a busy machine. */
const nodeTimeoutMs = 60_000;

/** Starts a cluster. Resolves once a failover of the first master would work. */
export async function startRedisCluster(): Promise<RedisClusterServers> {
  const folder = await mkdtemp(join(tmpdir(), "greenroom-cluster-"));
  const busPorts = [await freePort(), await freePort(), await freePort(), await freePort()];
  const servers = await allOrNone(
    busPorts.map((busPort) =>
      startRedisServer({
        args: [
          ...["--cluster-enabled", "yes", "--cluster-config-file", `${busPort}.conf`, "--dir", folder],
          ...["--cluster-port", String(busPort), "--cluster-node-timeout", String(discoveryTimeoutMs)],
          ...["--repl-diskless-sync-delay", "0"],
        ],
      }),
    ),
  );
  const clients = servers.map(
    ({ host, port }) => new Redis({ host, port, enableReadyCheck: false, retryStrategy: null }),
  );
  for (const client of clients) client.on("error", () => {});
  const [first, , , last] = clients as [Redis, Redis, Redis, Redis];
  for (const [index, [from, to]] of ranges.entries()) {
    await clients[index]?.call("CLUSTER", "ADDSLOTSRANGE", from, to);
  }
  for (const [index, { host, port }] of servers.entries()) {
    if (index > 0) await first.call("CLUSTER", "MEET", host, port, busPorts[index] ?? 0);
  }
  type Holds = (nodes: string, info: string) => boolean;
  const answers = async (client: Redis, holds: Holds) =>
    holds(String(await client.call("CLUSTER", "NODES")), String(await client.call("CLUSTER", "INFO")));
  const everyone = async (holds: Holds) => {
    for (const client of clients) {
      while (!(await answers(client, holds))) await new Promise((resolve) => setTimeout(resolve, 20));
    }
  };
  const watch = async (ms: number) => {
    await Promise.all(clients.map((client) => client.config("SET", "cluster-node-timeout", ms)));
  };
  const isWhole: Holds = (nodes, info) =>
    nodes.trim().split("\n").length === 4 && !/handshake|fail/.test(nodes) && info.includes("state:ok");
  // A short timeout speeds up the discovery. But with the long one, a server that seemed dead before would be
  // considered dead for minutes.
  for (let isReady = false; !isReady; ) {
    await watch(discoveryTimeoutMs);
    await everyone(isWhole);
    await watch(nodeTimeoutMs);
    isReady = (await Promise.all(clients.map((client) => answers(client, isWhole)))).every(Boolean);
  }
  // The replica joins last, so that it does not replace a master that is silent during the discovery.
  await last.call("CLUSTER", "REPLICATE", String(await first.call("CLUSTER", "MYID")));
  // With the long timeout, the servers tell the news rarely. A greeting tells it at once.
  for (const [index, { host, port }] of servers.slice(0, 3).entries()) {
    await last.call("CLUSTER", "MEET", host, port, busPorts[index] ?? 0);
  }
  await everyone((nodes) => nodes.includes("slave") && !nodes.includes("handshake"));
  while (!String(await last.info("replication")).includes("master_link_status:up")) {
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
  return {
    masters: servers.slice(0, 3),
    replica: servers[3] as RedisServer,
    clients,
    masterOf: (slot) => ranges.findIndex(([, to]) => slot <= to),
    watch,
    async failOver() {
      // A server gives a manual failover up after 5 s (CLUSTER_MF_TIMEOUT), and on a busy machine it does.
      const patienceMs = 6_000;
      for (;;) {
        await last.call("CLUSTER", "FAILOVER");
        const until = Date.now() + patienceMs;
        while (Date.now() < until) {
          if (String(await last.info("replication")).includes("role:master")) return;
          await new Promise((resolve) => setTimeout(resolve, 20));
        }
      }
    },
    async moveSlot(slot, from, to) {
      const [source, target, place] = [clients[from], clients[to], servers[to]];
      if (!source || !target || !place) throw new Error("There are three masters.");
      const [sourceId, targetId] = await Promise.all(
        [source, target].map((client) => client.cluster("MYID")),
      );
      await target.call("CLUSTER", "SETSLOT", slot, "IMPORTING", String(sourceId));
      await source.call("CLUSTER", "SETSLOT", slot, "MIGRATING", String(targetId));
      for (;;) {
        const keys = (await source.call("CLUSTER", "GETKEYSINSLOT", slot, 100)) as string[];
        if (keys.length === 0) break;
        await source.call("MIGRATE", place.host, place.port, "", 0, 5_000, "KEYS", ...keys);
      }
      for (const client of [target, source]) {
        await client.call("CLUSTER", "SETSLOT", slot, "NODE", String(targetId));
      }
    },
    async stop() {
      for (const client of clients) client.disconnect();
      await Promise.all(servers.map((server) => server.kill()));
      await rm(folder, { recursive: true, force: true });
    },
  };
}

/** Waits for all servers. If one does not start, kills the others. @throws the first failure. */
async function allOrNone(starting: readonly Promise<RedisServer>[]): Promise<RedisServer[]> {
  const outcomes = await Promise.allSettled(starting);
  const servers = outcomes.flatMap((outcome) => (outcome.status === "fulfilled" ? [outcome.value] : []));
  const failure = outcomes.find((outcome) => outcome.status === "rejected");
  if (failure === undefined) return servers;
  await Promise.all(servers.map((server) => server.kill()));
  throw failure.reason;
}
