import { spawn } from "node:child_process";
import { once } from "node:events";
import { createInterface } from "node:readline";

/** A command in a terminal, with input and output by line. */
export class Terminal {
  /** Resolves once it has ended and its output is complete. */
  readonly ended: Promise<{ readonly code: number | null }>;
  readonly #child;
  readonly #printed: string[] = [];
  #read = 0;
  #hasEnded = false;
  #wake = () => {};

  constructor(command: string, cwd: string, env: NodeJS.ProcessEnv) {
    // A process group, as in a terminal: a signal reaches its children too.
    const child = spawn("sh", ["-ec", command], { cwd, env, detached: true });
    this.#child = child;
    const end = () => this.signal("SIGKILL");
    process.once("exit", end);
    child.stdin.on("error", () => {}); // it ended before it read its input
    for (const stream of [child.stdout, child.stderr]) {
      createInterface({ input: stream }).on("line", (line) => {
        this.#printed.push(line);
        this.#wake();
      });
    }
    this.ended = once(child, "close").then(([code]) => {
      process.off("exit", end);
      this.#hasEnded = true;
      this.#wake();
      return { code };
    });
  }

  get printed(): string {
    return this.#printed.join("\n");
  }

  type(line: string): void {
    this.#child.stdin.write(`${line}\n`);
  }

  /** The next line of output; undefined if it ends without one. */
  async next(): Promise<string | undefined> {
    for (;;) {
      const line = this.#printed[this.#read];
      if (line !== undefined) {
        this.#read += 1;
        return line;
      }
      if (this.#hasEnded) return undefined;
      await new Promise<void>((resolve) => {
        this.#wake = resolve;
      });
    }
  }

  /** Sends a signal, as Ctrl+C does, and waits for its end. */
  async end(signal: "SIGINT" | "SIGKILL" = "SIGINT"): Promise<void> {
    this.signal(signal);
    await this.ended;
  }

  signal(signal: NodeJS.Signals): void {
    if (this.#hasEnded || this.#child.pid === undefined) return;
    try {
      process.kill(-this.#child.pid, signal);
    } catch {
      // The group has just ended.
    }
  }
}
