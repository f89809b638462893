import { fileURLToPath } from "node:url";
import type { NamedEvent } from "../../named/context.ts";
import { bundled } from "../support/bundled.ts";
import { type RunningProcess, startProcess } from "../support/child-process.ts";
import type { NodeSettings } from "./node.ts";

const program = fileURLToPath(new URL("./node.ts", import.meta.url));

/** The known outcomes of the increments of one sender to one counter. */
export interface Sent {
  /** The last number that the store has acknowledged. */
  acked: number;
  /** The numbers that were not acknowledged, although their calls have ended. */
  readonly unknown: Set<number>;
  readonly refused: Set<number>;
}

/** A process that runs and increments counters: see `node.ts`. Its output stays known after its end. */
export class Sender {
  readonly name: string;
  readonly sent = new Map<number, Sent>();
  readonly events: NamedEvent[] = [];
  readonly errors: string[] = [];
  /** The number of acknowledged increments. */
  acked = 0;
  /** Whether no increment is under way any more. */
  isSilent = false;
  #process: RunningProcess | undefined;

  private constructor(name: string) {
    this.name = name;
  }

  /** Resolves once the process is a member of the kinds. */
  static async start(settings: NodeSettings): Promise<Sender> {
    const sender = new Sender(settings.name);
    const args = [await bundled(program), JSON.stringify(settings)];
    sender.#process = await startProcess(process.execPath, args, (line) => sender.#read(line));
    return sender;
  }

  get isRunning(): boolean {
    return this.#process?.isRunning === true;
  }

  /** The number of messages whose loss by the store the process has reported. */
  get lost(): number {
    return this.events.reduce((sum, event) => sum + (event.event === "lost" ? event.messages : 0), 0);
  }

  signal(name: NodeJS.Signals): void {
    if (this.isRunning) process.kill(this.#process?.pid as number, name);
  }

  /** Resolves once the process has ended and its output is read. */
  async end(name: NodeJS.Signals): Promise<void> {
    this.signal(name);
    if (name === "SIGKILL") this.signal("SIGCONT");
    await this.#process?.silent;
    await this.#process?.exited;
  }

  #read(line: string): boolean {
    const [, word = "", rest = ""] = /^(\w+) ?(.*)$/.exec(line) ?? [];
    if (word === "acked") {
      for (const [key, n] of JSON.parse(rest) as [number, number][]) {
        this.#of(key).acked = n;
        this.acked += 1;
      }
    } else if (word === "unknown" || word === "refused") {
      const [key, n] = rest.split(" ").map(Number) as [number, number];
      this.#of(key)[word].add(n);
    } else if (word === "named") this.events.push(JSON.parse(rest));
    else if (word === "sent") this.isSilent = true;
    else if (word !== "ready") this.errors.push(line);
    return word === "ready";
  }

  #of(key: number): Sent {
    let sent = this.sent.get(key);
    if (sent === undefined) {
      sent = { acked: 0, unknown: new Set(), refused: new Set() };
      this.sent.set(key, sent);
    }
    return sent;
  }
}
