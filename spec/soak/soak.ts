import { setTimeout as pause } from "node:timers/promises";
import { Redis } from "ioredis";
import { systemClock } from "../../layers/clock.ts";
import { withTimeout } from "../../layers/with-timeout.ts";
import { until } from "../layers/support/until.ts";
import { Lines } from "../support/lines.ts";
import { type RedisServer, startRedisServer } from "../support/redis-server.ts";
import { Crowd } from "./crowd.ts";
import type { NodeReport } from "./node.ts";
import { Node } from "./server-process.ts";
import { Visitors } from "./visitors.ts";

const nodeCount = 3;
const drainMs = 2_000;
const sayMs = 150;
const progressMs = 10_000;
/** The time for all clients to come back, and for all nodes to forget them. More than that means a fault. */
const patienceMs = 60_000;
/** The heap of a process that leaks nothing varies by less than this. */
const heapSlackBytes = 12 * 1_048_576;

type Fault = readonly [name: string, inflict: () => Promise<void>];

/** Returns random integers below a limit: the same for each run with the same seed. */
function randomIntegers(seed: number): (limit: number) => number {
  let state = seed;
  return (limit) => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return Math.floor((state / 2 ** 32) * limit);
  };
}

/** Several server processes on one Redis, their clients, and the faults that they endure. */
export class Soak {
  readonly #folder: string;
  readonly #below: (limit: number) => number;
  #redis!: RedisServer;
  #lines!: Lines;
  readonly #nodes: Node[] = [];
  /** The nodes that take new connections. */
  #serving: Node[] = [];
  #rooms!: Crowd;
  #lobbies!: Crowd;
  #visitors!: Visitors;
  readonly #visits = new Set<Promise<void>>();
  #baseline: readonly NodeReport[] = [];
  #baselineKeys = 0;
  readonly #inflicted: Record<string, number> = {};

  constructor(folder: string, seed: number) {
    this.#folder = folder;
    this.#below = randomIntegers(seed);
  }

  /** Starts Redis and the nodes. Measures the nodes after a first crowd has come and gone. */
  async start(): Promise<void> {
    this.#redis = await this.#startRedis();
    for (let index = 0; index < nodeCount; index += 1) await this.#startNode();
    this.#lines = await Lines.to(() => this.#pick(this.#serving)?.port ?? 1);
    await this.#gather();
    await pause(5_000);
    await this.#visit(200);
    await this.#settle();
    this.#baseline = await this.#quietReports();
    this.#baselineKeys = await this.#countKeys();
    await this.#gather();
  }

  async run(ms: number): Promise<void> {
    const end = performance.now() + ms;
    let nextProgress = performance.now() + progressMs;
    const faults = this.#faults();
    while (performance.now() < end) {
      const [name, inflict] = faults[this.#below(faults.length)] as Fault;
      this.#inflicted[name] = (this.#inflicted[name] ?? 0) + 1;
      await inflict();
      await this.#visit(20);
      await pause(1_000 + this.#below(2_000));
      if (performance.now() < nextProgress) continue;
      nextProgress += progressMs;
      this.#print(`${Math.ceil((end - performance.now()) / 1_000)} s left`);
    }
  }

  /** @throws if something was lost silently, or a node has leaked. */
  async finish(): Promise<void> {
    this.#print("settling");
    await this.#settle();
    this.#rooms.check();
    this.#lobbies.check();
    await this.#checkJobs();
    const reports = await this.#quietReports();
    for (const report of reports) this.#checkReport(report);
    const keys = await this.#untilFewKeys();
    if (keys > this.#baselineKeys) throw new Error(`Redis has ${keys} keys, and had ${this.#baselineKeys}.`);
    process.stdout.write(`Faults: ${JSON.stringify(this.#inflicted)}\n`);
    process.stdout.write(
      `Heap in MiB: ${this.#baseline.map(heapOf).join(", ")} at first, ${reports.map(heapOf).join(", ")} at the end\n`,
    );
  }

  async stop(): Promise<void> {
    await Promise.all([this.#rooms?.close(), this.#lobbies?.close()]);
    await this.#lines?.close();
    await Promise.all(this.#nodes.map((node) => node.end("SIGKILL")));
    await this.#redis?.kill();
  }

  #print(left: string): void {
    const accepted = this.#rooms.accepted + this.#lobbies.accepted;
    const rejected = this.#rooms.rejected + this.#lobbies.rejected;
    const { echoes, jobs, stalled } = this.#visitors;
    process.stdout.write(
      `${left}: ${accepted} numbers sent, ${rejected} refused, ${this.#rooms.gaps} and ${this.#lobbies.gaps} gaps, ` +
        `${this.#lines.count} connections, ${echoes} echoes, ${jobs.length} jobs, ${stalled} stalled readers\n`,
    );
  }

  #pick<T>(items: readonly T[]): T | undefined {
    return items[this.#below(items.length)];
  }

  #startRedis(port?: number): Promise<RedisServer> {
    return startRedisServer({
      ...(port !== undefined && { port }),
      args: ["--appendonly", "yes", "--appendfsync", "always", "--dir", this.#folder],
    });
  }

  async #startNode(): Promise<void> {
    const node = await Node.start(this.#redis.url, drainMs);
    this.#nodes.push(node);
    this.#serving.push(node);
  }

  get #url(): string {
    return `http://127.0.0.1:${this.#lines.port}`;
  }

  /** Opens the crowds, and lets them talk. */
  async #gather(): Promise<void> {
    this.#rooms = new Crowd(this.#url, "room", 10, 4);
    this.#lobbies = new Crowd(this.#url, "lobby", 5, 4);
    this.#visitors ??= new Visitors(this.#url);
    await Promise.all([this.#rooms.joined(), this.#lobbies.joined()]);
    this.#rooms.talk(sayMs);
    this.#lobbies.talk(sayMs);
  }

  /** Starts `count` visits. */
  async #visit(count: number): Promise<void> {
    const visits = [
      () => this.#visitors.echo(),
      () => this.#visitors.echo(),
      () => this.#visitors.submitJobs(),
      () => this.#visitors.vanish(),
    ];
    const rare = [() => this.#visitors.stall(), () => this.#visitors.flood()];
    for (let left = count; left > 0; left -= 1) {
      const visit = this.#below(50) === 0 ? this.#pick(rare) : this.#pick(visits);
      const visiting = (visit?.() ?? Promise.resolve())
        // The connection may break, because its node ends.
        .catch(() => {})
        .finally(() => this.#visits.delete(visiting));
      this.#visits.add(visiting);
      await pause(5);
    }
  }

  // ---- The faults

  #faults(): readonly Fault[] {
    return [
      ["redis killed", () => this.#killRedis()],
      ["redis frozen", () => this.#freezeRedis()],
      ["node killed", () => this.#replaceNode("SIGKILL")],
      ["node drained", () => this.#replaceNode("SIGTERM")],
      ["node frozen", () => this.#freezeNode()],
      ["network harmed", () => this.#harmLines()],
      ["network harmed", () => this.#harmLines()],
    ];
  }

  async #killRedis(): Promise<void> {
    await this.#redis.kill();
    await pause(this.#below(1_500));
    this.#redis = await this.#startRedis(this.#redis.port);
  }

  async #freezeRedis(): Promise<void> {
    await this.#redis.pause();
    await pause(500 + this.#below(2_500));
    await this.#redis.resume();
  }

  /** Ends a node, and starts another one. The first node endures the whole soak, so that its leaks add up. */
  async #replaceNode(signal: "SIGKILL" | "SIGTERM"): Promise<void> {
    const node = this.#serving[1 + this.#below(this.#serving.length - 1)];
    if (node === undefined) return;
    await this.#startNode();
    this.#serving = this.#serving.filter((other) => other !== node);
    await node.end(signal);
  }

  async #freezeNode(): Promise<void> {
    const node = this.#pick(this.#serving);
    node?.signal("SIGSTOP");
    await pause(300 + this.#below(2_000));
    node?.signal("SIGCONT");
  }

  async #harmLines(): Promise<void> {
    for (let round = 0; round < 40; round += 1) {
      for (const line of this.#lines.open) {
        const harm = this.#below(400);
        if (harm < 4) line.hold(harm % 2 === 0 ? "up" : "down");
        else if (harm < 8) line.leak(harm % 2 === 0 ? "up" : "down", this.#below(300));
        else if (harm < 12) line.cut();
        else if (harm < 13) line.cutClient();
        else if (harm < 60) line.release();
      }
      await pause(50);
    }
    this.#lines.releaseAll();
  }

  // ---- The end

  /** Ends all traffic, and all clients. */
  async #settle(): Promise<void> {
    this.#lines.releaseAll();
    const settled = Promise.all([this.#rooms.settle(), this.#lobbies.settle(), ...this.#visits]);
    await inTime(settled, () => "Some clients did not come back, or did not hear each other.");
    await Promise.all([this.#rooms.close(), this.#lobbies.close()]);
  }

  /** The reports of the nodes, once they have no actors any more. */
  async #quietReports(): Promise<readonly NodeReport[]> {
    let reports: readonly NodeReport[] = [];
    const isQuiet = async () => {
      await pause(200);
      reports = await Promise.all(this.#serving.map((node) => node.report()));
      return reports.every(({ actors, present }) => actors + present === 0);
    };
    await inTime(until(isQuiet), () => `The nodes still have clients: ${JSON.stringify(reports)}`);
    return reports;
  }

  #checkReport({ heapBytes, handles }: NodeReport): void {
    const most = Math.max(...this.#baseline.map((report) => report.heapBytes));
    if (heapBytes > most + heapSlackBytes)
      throw new Error(`The heap of a node has grown from ${most} to ${heapBytes} bytes.`);
    for (const [kind, count] of Object.entries(handles)) {
      const before = Math.max(...this.#baseline.map((report) => report.handles[kind] ?? 0));
      if (count > before + 2) throw new Error(`A node has ${count} handles ${kind}, and had ${before}.`);
    }
  }

  async #withRedis<R>(work: (redis: Redis) => Promise<R>): Promise<R> {
    const redis = new Redis(this.#redis.url);
    try {
      return await work(redis);
    } finally {
      redis.disconnect();
    }
  }

  /** The number of keys, without the set of this soak's own jobs. */
  #countKeys(): Promise<number> {
    return this.#withRedis(async (redis) => (await redis.dbsize()) - (await redis.exists("squares-done")));
  }

  /** Waits until the histories have expired. */
  async #untilFewKeys(): Promise<number> {
    let keys = 0;
    for (let round = 0; round < 60; round += 1) {
      keys = await this.#countKeys();
      if (keys <= this.#baselineKeys) break;
      await pause(500);
    }
    return keys;
  }

  /** @throws if a job whose submission was confirmed has not been done. */
  async #checkJobs(): Promise<void> {
    const missing = () =>
      this.#withRedis(async (redis) => {
        const done = new Set((await redis.smembers("squares-done")).map(Number));
        return this.#visitors.jobs.filter((number) => !done.has(number));
      });
    let left = await missing();
    for (let round = 0; round < 120 && left.length > 0; round += 1) {
      await pause(500);
      left = await missing();
    }
    if (left.length > 0) throw new Error(`These jobs were never done: ${left.slice(0, 20).join(", ")}`);
  }
}

const heapOf = ({ heapBytes }: NodeReport): string => (heapBytes / 1_048_576).toFixed(1);

const inTime = <T>(work: Promise<T>, message: () => string): Promise<T> =>
  withTimeout(work, patienceMs, systemClock, () => new Error(message()));
