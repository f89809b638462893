import { fileURLToPath } from "node:url";
import { expect } from "chai";
import type { RuntimeCounters } from "greenroom";
import { bundled } from "../../support/bundled.ts";
import { type RunningProcess, startProcess } from "../../support/child-process.ts";
import { Client } from "../../support/client.ts";
import { whileRunning } from "./while-running.ts";

const program = fileURLToPath(new URL("greedy-server.ts", import.meta.url));

export interface GreedyFigures {
  /** The memory in use, after a garbage collection. */
  readonly bytes: number;
  readonly groups: number;
  readonly size: number;
  readonly limited: RuntimeCounters["limited"];
  /** The number of jobs that were refused because the queue was full. */
  readonly full: number;
}

/** A server whose clients make their actors use resources, with a bystander. */
export class Greedy {
  readonly #running: RunningProcess;
  readonly #url: string;
  readonly #bystander: Client;
  #echoes = 0;

  private constructor(running: RunningProcess, url: string, bystander: Client) {
    this.#running = running;
    this.#url = url;
    this.#bystander = bystander;
  }

  /** @param options of a layer on Redis; null for a memory layer. */
  static async start(options: object | null): Promise<Greedy> {
    let url = "";
    const flags = ["--expose-gc", "--max-old-space-size=256"];
    const args = [...flags, await bundled(program), JSON.stringify(options)];
    const running = await startProcess(process.execPath, args, (line) => {
      url = /^Listening: (.*)$/.exec(line)?.[1] ?? url;
      return url !== "";
    });
    return new Greedy(running, url, await Client.open(`${url}/ws`));
  }

  open(): Promise<Client> {
    return Client.open(`${this.#url}/ws`);
  }

  whileRunning<T>(waiting: Promise<T>): Promise<T> {
    return whileRunning(this.#running, waiting);
  }

  async ask(client: Client, text: string): Promise<string> {
    client.send(text);
    const closed = client.closed.then(({ code, reason }): never => {
      throw new Error(`The connection was closed: ${code} ${reason}`);
    });
    return String(await this.whileRunning(Promise.race([client.next(), closed])));
  }

  async checkBystander(): Promise<void> {
    this.#echoes += 1;
    expect(await this.ask(this.#bystander, `echo${this.#echoes}`)).to.equal(`echo${this.#echoes}`);
  }

  async figures(): Promise<GreedyFigures> {
    const response = await this.whileRunning(fetch(this.#url));
    return (await response.json()) as GreedyFigures;
  }

  /** Waits until the figures are as expected, and returns them. */
  async until(isExpected: (figures: GreedyFigures) => boolean): Promise<GreedyFigures> {
    for (;;) {
      const figures = await this.figures();
      if (isExpected(figures)) return figures;
    }
  }

  async stop(): Promise<void> {
    if (this.#running.isRunning) process.kill(this.#running.pid, "SIGTERM");
    expect(await this.#running.exited).to.deep.equal([0, null]);
  }
}

const mebibyte = 1024 * 1024;

/**
 * Uses many times as much as an actor may have, and checks the counts, the memory and the bystander.
 * @param groups the number of groups that the actor asks for. It asks for a fifth of the other resources.
 */
export async function useTooMuch(greedy: Greedy, groups: number): Promise<void> {
  const others = groups / 5;
  const before = await greedy.figures();
  const client = await greedy.open();
  for (const [resource, count, allowed] of [
    ["groups", groups, 1_000],
    ["presences", others, 100],
    ["watches", others, 1_000],
    ["tags", others, 100],
    ["jobs", others, 100],
    ["raced", others, 100],
  ] as const) {
    expect(await greedy.ask(client, `${resource} ${count}`), resource).to.equal(`${allowed}`);
    await greedy.checkBystander();
  }
  const during = await greedy.figures();
  expect(during.limited).to.include({
    maxGroupsPerConnection: groups - 1_000,
    maxPresencesPerConnection: others - 100,
    maxWatchesPerConnection: others - 1_000,
    maxTagsPerConnection: others - 100,
    maxJobsPerConnection: others - 100,
    maxAsksPerConnection: others - 100,
  });
  expect(during.groups - before.groups).to.equal(1_000);
  expect(during.bytes - before.bytes).to.be.below(40 * mebibyte);
  client.websocket.terminate();
  // A group counts until Redis has ended its subscription, and the actor is gone earlier.
  await greedy.until((after) => after.size === before.size && after.groups === before.groups);
  await greedy.checkBystander();
}
