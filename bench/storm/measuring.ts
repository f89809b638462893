import { setTimeout as pause } from "node:timers/promises";
import type { BystanderTasks } from "../fan-out/bystander.ts";
import { rows as servers } from "../fan-out/rows.ts";
import type { ServerTasks } from "../fan-out/server.ts";
import { now } from "../harness/clock.ts";
import { type Figures, quantile } from "../harness/results.ts";
import { WorkerProcess } from "../harness/worker-process.ts";
import type { ClientTasks } from "./clients.ts";
import { bystanderRoom, processes, queryOf, type RowName, roomsOf, rows } from "./plan.ts";

/** The compiled JavaScript of `bench/fan-out`, so that the server runs without a loader or compiler. */
const built = (file: string) => new URL(`../fan-out/dist/bench/fan-out/${file}`, import.meta.url);

/** The time between the last connection and the drop. In the second half, the bystander is measured. */
const calmMs = 3_000;
/** The time between the call of a drop and the drop, in which the call reaches all processes. */
const noticeMs = 200;
const returnTimeoutMs = 60_000;
const copiesTimeoutMs = 10_000;

/** Measures one storm, with new processes. @throws an error that names the row */
export async function measureStorm(
  name: RowName,
  clients: number,
  profiles: string | undefined,
): Promise<Figures> {
  const server = new WorkerProcess<ServerTasks>(built("server.js"), { profiles, label: name });
  const bystander = new WorkerProcess<BystanderTasks>(built("bystander.js"));
  const crowds = Array.from(
    { length: processes },
    () => new WorkerProcess<ClientTasks>(new URL("clients.ts", import.meta.url)),
  );
  const { server: module, protocol } = servers[rows[name].server];
  try {
    const port = await server.call("open", module, { variant: undefined, redisUrl: "" });
    await bystander.call("join", port, protocol, queryOf(bystanderRoom), bystanderRoom);
    await each(crowds, (crowd, index) => crowd.call("open", name, port, roomsOf(index, clients)));
    await bystander.call("start");
    await pause(calmMs);
    await server.call("startMeter");
    const at = now() + noticeMs;
    await each(crowds, (crowd) => crowd.call("drop", at));
    const returns = (await each(crowds, (crowd) => crowd.call("returns", at, returnTimeoutMs))).flat();
    const { loopP99Ms, loopWorstMs, cpuMicros } = await server.call("stopMeter");
    const sorted = Float64Array.from(returns).sort();
    const lastMs = quantile(sorted, 1);
    const endsAt = Number.isFinite(lastMs) ? at + lastMs : now();
    await bystander.call("stop");
    const before = await bystander.call("figures", at - calmMs / 2, at);
    const during = await bystander.call("figures", at, endsAt);
    const counts = await each(crowds, (crowd) => crowd.call("counts"));
    const missing = await each(crowds, (crowd) => crowd.call("missing", copiesTimeoutMs));
    return {
      ...{ p50Ms: quantile(sorted, 0.5), p95Ms: quantile(sorted, 0.95), lastMs },
      ...{ pastWindowMs: lastMs - rows[name].windowMs },
      ...{ never: returns.filter((ms) => ms === Number.POSITIVE_INFINITY).length },
      ...{ calmP99Ms: before.p99Ms, bystanderP99Ms: during.p99Ms, bystanderWorstMs: during.worstMs },
      ...{ loopP99Ms, loopWorstMs, cpuMs: cpuMicros / 1_000 / clients },
      ...{ attempts: sum(counts.map(({ attempts }) => attempts)) / clients },
      ...{ fresh: sum(counts.map(({ fresh }) => fresh)), missing: sum(missing) },
    };
  } catch (error) {
    throw new Error(`${name}: ${(error as Error).message}`, { cause: error });
  } finally {
    await Promise.all([...crowds, bystander, server].map((process) => process.close()));
  }
}

const each = <T, R>(items: readonly T[], work: (item: T, index: number) => Promise<R>): Promise<R[]> =>
  Promise.all(items.map(work));

const sum = (values: readonly number[]): number => values.reduce((total, value) => total + value, 0);
