import { fileURLToPath } from "node:url";
import { bundled } from "../../support/bundled.ts";
import { type RunningProcess, startProcess } from "../../support/child-process.ts";
import { redisUrl } from "../../support/redis.ts";
import type { SeenSpan } from "./recorded-spans.ts";
import type { Kind } from "./traced-room.ts";

const program = fileURLToPath(new URL("traced-node.ts", import.meta.url));

/** A traced node in a process of its own, and the spans that it has printed. */
export class OtherNode {
  readonly spans: SeenSpan[] = [];
  worked = 0;
  #process: RunningProcess | undefined;

  async start(kind: Kind, prefix: string): Promise<void> {
    const args = [await bundled(program), kind, redisUrl(), prefix];
    this.#process = await startProcess(process.execPath, args, (line) => {
      if (line.startsWith("span ")) this.spans.push(JSON.parse(line.slice("span ".length)));
      if (line === "worked") this.worked += 1;
      return line === "ready";
    });
  }

  async stop(): Promise<void> {
    if (this.#process === undefined) return;
    process.kill(this.#process.pid, "SIGTERM");
    await this.#process.silent;
  }
}
