import { setTimeout as pause } from "node:timers/promises";
import type { Figures } from "../harness/results.ts";
import { WorkerProcess } from "../harness/worker-process.ts";
import type { ClientTasks } from "./clients.ts";
import {
  type Amounts,
  cutsOf,
  downMs,
  graceMs,
  intervalMs,
  offlineMs,
  type RowName,
  rows,
  silenceMs,
} from "./plan.ts";
import type { ProxyTasks } from "./proxy.ts";
import type { ServerTasks } from "./server.ts";

const file = (name: string) => new URL(name, import.meta.url);
const pollMs = 100;
/** The interval of the headlines that show whether all clients are in the group, in milliseconds. */
const warmUpIntervalMs = 250;
const warmUpMs = 20_000;

/** The processes of one measurement. */
class Stage {
  readonly proxy = new WorkerProcess<ProxyTasks>(file("proxy.ts"));
  readonly clients = new WorkerProcess<ClientTasks>(file("clients.ts"));
  readonly publisher: WorkerProcess<ServerTasks> | undefined;
  readonly #row: RowName;
  readonly #redisUrl: string;
  #server: WorkerProcess<ServerTasks>;
  #port = 0;
  /** Resolves when the server is up. */
  #isUp: Promise<unknown>;

  constructor(row: RowName, redisUrl: string) {
    this.#row = row;
    this.#redisUrl = redisUrl;
    this.#server = new WorkerProcess<ServerTasks>(file("server.ts"));
    this.#isUp = Promise.resolve();
    if (rows[row].isPublishedElsewhere) this.publisher = new WorkerProcess<ServerTasks>(file("server.ts"));
  }

  /** Opens the servers and connects the clients. Resolves when all of them receive headlines. */
  async open({ clients, broadcasts }: Amounts): Promise<void> {
    this.#port = await this.#open(this.#server, 0);
    if (this.publisher !== undefined) await this.#open(this.publisher, 0);
    const ports = await this.proxy.call("open", clients, this.#port);
    await this.clients.call("open", rows[this.#row].app, ports, broadcasts);
    await waitFor("all clients to be connected", warmUpMs, async () => {
      await this.broadcast(-1);
      await pause(warmUpIntervalMs);
      return (await this.clients.call("warm")) === clients;
    });
  }

  /** Sends a headline, when the server that sends headlines is up. */
  async broadcast(number: number): Promise<void> {
    if (this.publisher === undefined) await this.#isUp;
    await (this.publisher ?? this.#server).call("broadcast", number);
  }

  /** Kills the server of the clients. Another one starts at the same port after {@link downMs}. */
  async kill(): Promise<void> {
    const next = new WorkerProcess<ServerTasks>(file("server.ts"));
    await this.#server.kill();
    this.#server = next;
    this.#isUp = pause(downMs).then(() => this.#open(next, this.#port));
    this.#isUp.catch(() => {});
  }

  async close(): Promise<void> {
    const all = [this.clients, this.proxy, this.publisher, this.#server];
    await Promise.all(all.map((each) => each?.close()));
  }

  #open(server: WorkerProcess<ServerTasks>, port: number): Promise<number> {
    const { app, connector } = rows[this.#row];
    return server.call("open", app, connector, this.#redisUrl, port);
  }
}

/**
 * Measures one row, with new processes.
 *
 * @param isKilled whether the server is killed after half of the broadcasts
 * @throws an error that names the row
 */
export async function measureJitter(
  row: RowName,
  amounts: Amounts,
  isKilled: boolean,
  redisUrl: string,
): Promise<Figures> {
  const stage = new Stage(row, redisUrl);
  const { clients, proxy } = stage;
  try {
    await stage.open(amounts);
    await proxy.call("start", cutsOf(amounts), offlineMs);
    for (let number = 0; number < amounts.broadcasts; number += 1) {
      const due = pause(intervalMs);
      await stage.broadcast(number);
      if (isKilled && number === Math.floor(amounts.broadcasts / 2)) await stage.kill();
      await due;
    }
    const lastAt = performance.now();
    const isOver = async () => {
      if ((await clients.call("missing")) === 0) return true;
      if ((await proxy.call("connected", silenceMs)) < amounts.clients) return false;
      return (await clients.call("silentMs")) > silenceMs;
    };
    while (performance.now() - lastAt < graceMs && !(await isOver())) await pause(pollMs);
    return { ...(await clients.call("figures")), cuts: await proxy.call("cuts") };
  } catch (error) {
    throw new Error(`${row}: ${(error as Error).message}`, { cause: error });
  } finally {
    await stage.close();
  }
}

async function waitFor(aim: string, timeoutMs: number, isDone: () => Promise<boolean>): Promise<void> {
  const endsAt = performance.now() + timeoutMs;
  while (!(await isDone())) {
    if (performance.now() > endsAt) throw new Error(`Waited ${timeoutMs} ms for ${aim}.`);
  }
}
