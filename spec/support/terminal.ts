import { spawn } from "node:child_process";
import { once } from "node:events";
import { createInterface } from "node:readline";

/** A command in a terminal, with input and output by line. */
export class Terminal {
  /** Resolves once the command has ended and its output is complete. */
  readonly ended: Promise<{ readonly code: number | null }>;
  readonly #child;
  readonly #printed: string[] = [];
  #read = 0;
  #hasEnded = false;
  #wake = () => {};

  constructor(command: string, cwd: string, env: NodeJS.ProcessEnv) {
    // A process group, as in a terminal: a signal also reaches the children of the command.
    const child = spawn("sh", ["-ec", command], { cwd, env, detached: true });
    this.#child = child;
    const end = () => this.signal("SIGKILL");
    process.once("exit", end);
    child.stdin.on("error", () => {}); // the command may end before it reads its input
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

  /** The next line of output; undefined if the command ends without another line. */
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

  /** Sends a signal, as Ctrl+C does, and waits until the command has ended. */
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
