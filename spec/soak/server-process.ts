import { fileURLToPath } from "node:url";
import { bundled } from "../support/bundled.ts";
import { type RunningProcess, startProcess } from "../support/child-process.ts";
import type { NodeReport } from "./node.ts";

const program = fileURLToPath(new URL("./node.ts", import.meta.url));

/** A server process. */
export class Node {
  readonly port: number;
  readonly #process: RunningProcess;

  private constructor(running: RunningProcess, port: number) {
    this.#process = running;
    this.port = port;
  }

  static async start(redisUrl: string, drainMs: number): Promise<Node> {
    let port = 0;
    const args = ["--expose-gc", await bundled(program), redisUrl];
    const running = await startProcess(process.execPath, [...args, `${drainMs}`], (line) => {
      port ||= Number(/^port (\d+)$/.exec(line)?.[1] ?? 0);
      return port !== 0;
    });
    return new Node(running, port);
  }

  get isRunning(): boolean {
    return this.#process.isRunning;
  }

  signal(name: NodeJS.Signals): void {
    if (this.isRunning) process.kill(this.#process.pid, name);
  }

  async end(name: NodeJS.Signals): Promise<void> {
    this.signal(name);
    await this.#process.exited;
  }

  async report(): Promise<NodeReport> {
    const response = await fetch(`http://127.0.0.1:${this.port}/report`);
    return (await response.json()) as NodeReport;
  }
}
