import { setTimeout as pause } from "node:timers/promises";
import { now } from "../harness/clock.ts";
import { quantile } from "../harness/results.ts";
import { serveTasks } from "../harness/worker-process.ts";
import type { Follow } from "./apps/app.ts";
import type { AppName } from "./plan.ts";
import { Receipts } from "./receipts.ts";

const batch = 50;
const batchPauseMs = 50;

const receipts: Receipts[] = [];
const latenciesMs: number[] = [];
const warm = new Set<Receipts>();
let lastAt = now();

const tasks = {
  /** Starts a client of an app for each of the `ports`. */
  async open(app: AppName, ports: readonly number[], broadcasts: number): Promise<void> {
    const { follow } = (await import(`./apps/${app}/client.ts`)) as { follow: Follow };
    for (const [index, port] of ports.entries()) {
      const own = new Receipts(broadcasts);
      receipts.push(own);
      const receive = (number: number, at: number) => {
        lastAt = now();
        if (number < 0) {
          warm.add(own);
          return;
        }
        own.receive(number);
        latenciesMs.push(lastAt - at);
      };
      follow(
        `http://127.0.0.1:${port}`,
        ({ number, at }) => receive(number, at),
        () => own.announceGap(),
      );
      if (index % batch === batch - 1) await pause(batchPauseMs);
    }
  },
  /** The number of clients that have received a headline that is not counted. */
  warm: () => warm.size,
  /** The number of copies that have not arrived. */
  missing: () => total("broadcasts") - total("received"),
  /** The milliseconds since the last arrival. */
  silentMs: () => now() - lastAt,
  figures() {
    const sorted = Float64Array.from(latenciesMs).sort();
    return {
      delivered: (100 * total("received")) / total("broadcasts"),
      duplicated: total("duplicated"),
      lost: total("broadcasts") - total("received"),
      silentlyLost: total("silentlyLost"),
      gaps: total("gaps"),
      p50Ms: quantile(sorted, 0.5),
      p99Ms: quantile(sorted, 0.99),
      worstMs: quantile(sorted, 1),
    };
  },
};
export type ClientTasks = typeof tasks;

function total(figure: "broadcasts" | "received" | "duplicated" | "silentlyLost" | "gaps"): number {
  return receipts.reduce((sum, each) => sum + each[figure], 0);
}

serveTasks(tasks);
