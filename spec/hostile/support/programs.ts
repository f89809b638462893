import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { until } from "../../layers/support/until.ts";
import { bundled } from "../../support/bundled.ts";
import { type RunningProcess, startProcess } from "../../support/child-process.ts";
import { Client } from "../../support/client.ts";
import { freePort } from "../../support/free-port.ts";
import { writeReadmeFiles } from "../../support/readme-files.ts";
import { whileRunning } from "./while-running.ts";

const root = fileURLToPath(new URL("../../..", import.meta.url));
const probe = fileURLToPath(new URL("./probe.ts", import.meta.url));

const probeWord = "probe ";

/** Puts a layer on Redis into the place of the one in memory. */
const onRedis = (code: string, url: string) =>
  code
    .replace("MemoryLayer, relay", "relay")
    .replace('"greenroom";', '"greenroom";\nimport { RedisPubSubLayer } from "greenroom/redis";')
    .replace("new MemoryLayer()", `new RedisPubSubLayer({ url: "${url}", prefix: "readme" })`);

/** The figures of a program. */
export interface Figures {
  /** The number of active handles and timers, by kind. */
  readonly handles: Readonly<Record<string, number>>;
  readonly rss: number;
}

/** A program that can be attacked. */
interface Kind {
  readonly file: string;
  readonly settings?: Readonly<Record<string, string>>;
  /** The address of its rooms, after it has printed `lines`. */
  rooms(lines: readonly string[]): string;
  /** A frame of a client that says `text` to its room. */
  frame(text: string): string;
  remove(): Promise<void>;
}

/** A whole program under attack: the README's example, or the demo. */
export class Program {
  /** The address of a room, without the name of the room. */
  readonly rooms: string;
  readonly #process: RunningProcess;
  readonly #lines: readonly string[];
  readonly #kind: Kind;

  private constructor(running: RunningProcess, lines: readonly string[], kind: Kind) {
    this.#process = running;
    this.#lines = lines;
    this.#kind = kind;
    this.rooms = kind.rooms(lines);
  }

  /** The files of the README, with another port and, with `redisUrl`, another layer. */
  static async readme(redisUrl: string | undefined): Promise<Program> {
    const folder = await mkdtemp(join(root, ".tmp-hostile-"));
    const port = await freePort();
    await writeReadmeFiles(folder, (code) =>
      (redisUrl === undefined ? code : onRedis(code, redisUrl)).replace("8080", String(port)),
    );
    await writeFile(join(folder, "main.ts"), 'await import("./server.ts");\nconsole.log("ready");\n');
    return Program.#start({
      file: join(folder, "main.ts"),
      rooms: () => `http://127.0.0.1:${port}/ws/room/`,
      frame: (text) => JSON.stringify({ type: "say", text }),
      remove: () => rm(folder, { recursive: true }),
    });
  }

  static demo(redisUrl: string | undefined): Promise<Program> {
    const begin = "Greenroom demo: ";
    return Program.#start({
      file: join(root, "demo/main.ts"),
      settings: { PORT: "0", ...(redisUrl !== undefined && { REDIS_URL: redisUrl }) },
      rooms: (lines) => `${lines.find((line) => line.startsWith(begin))?.slice(begin.length)}/ws/room/`,
      frame: (text) => text,
      remove: async () => {},
    });
  }

  static async #start(kind: Kind): Promise<Program> {
    const { PORT: _port, REDIS_URL: _redisUrl, ...rest } = process.env;
    const lines: string[] = [];
    const isReady = (line: string) => lines.push(line) > 0 && (line === "ready" || line.startsWith("Jobs: "));
    const args = ["--expose-gc", `--import=${await bundled(probe)}`, await bundled(kind.file)];
    const running = await startProcess(process.execPath, args, isReady, { ...rest, ...kind.settings });
    return new Program(running, lines, kind);
  }

  get isRunning(): boolean {
    return this.#process.isRunning;
  }

  /** A frame of a client that says `text` to its room. */
  frame(text: string): string {
    return this.#kind.frame(text);
  }

  async figures(): Promise<Figures> {
    const probes = () => this.#lines.filter((line) => line.startsWith(probeWord));
    const { length } = probes();
    process.kill(this.#process.pid, "SIGUSR2");
    await whileRunning(
      this.#process,
      until(() => probes().length > length),
    );
    return JSON.parse(probes().at(-1)?.slice(probeWord.length) ?? "");
  }

  /** A client in a room of its own, which hears what it says. */
  async bystander(): Promise<Bystander> {
    const opening = Client.open(`${this.rooms}bystander`);
    return new Bystander(this, await whileRunning(this.#process, opening), this.#process);
  }

  /** Whether a new client in a room of its own hears what it says within a second. */
  async echoes(): Promise<boolean> {
    const client = await whileRunning(this.#process, Client.open(`${this.rooms}back`)).catch(() => undefined);
    if (client === undefined) return false;
    const timer = setTimeout(() => client.websocket.terminate(), 1_000);
    client.send(this.frame("back"));
    const heard = async () => {
      while (!String(await client.next()).includes("back"));
      return true;
    };
    const isHeard = await Promise.race([heard(), client.closed.then(() => false)]);
    clearTimeout(timer);
    client.websocket.terminate();
    return isHeard;
  }

  async stop(): Promise<void> {
    if (this.#process.isRunning) process.kill(this.#process.pid, "SIGKILL");
    await this.#process.exited;
    await this.#kind.remove();
  }
}

export class Bystander {
  readonly #program: Program;
  readonly #client: Client;
  readonly #process: RunningProcess;
  #count = 0;

  constructor(program: Program, client: Client, running: RunningProcess) {
    this.#program = program;
    this.#client = client;
    this.#process = running;
  }

  /** Resolves once an echo has come back. @throws if the program ends, or closes the connection. */
  async echo(): Promise<void> {
    this.#count += 1;
    const text = `echo ${this.#count}.`;
    this.#client.send(this.#program.frame(text));
    const closed = this.#client.closed.then(({ code }) => {
      throw new Error(`The bystander was closed with ${code}.`);
    });
    const heard = async () => {
      while (!String(await this.#client.next()).includes(text));
    };
    await whileRunning(this.#process, Promise.race([heard(), closed]));
  }

  async close(): Promise<void> {
    await this.#client.close();
  }
}
