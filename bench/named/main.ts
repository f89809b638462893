import { type Run, runBench } from "../harness/bench.ts";
import type { Figures, Measurement } from "../harness/results.ts";
import { atLeast, whole } from "../harness/tables.ts";
import { measureKills } from "./measure-kill.ts";
import { measureLoad, stopShared } from "./measure-load.ts";
import { measureMemory, measureWaking } from "./measure-sleeping.ts";
import { sectionsOf, targetsOf } from "./report.ts";
import { killedTitle, loadNames, loads, memoryTitle, rowNames, rows, sleepingTitle } from "./rows.ts";

const options = {
  messages: { default: 40_000, short: 8_000, help: "messages per load; a tenth with 1 in flight" },
  keys: {
    default: 10_000,
    short: 2_000,
    help: "keys of the load of many keys, and keys whose memory is measured",
  },
  asks: { default: 2_000, short: 500, help: "asks of sleeping keys" },
  kills: { default: 5, short: 2, help: "killed nodes" },
  rows: { names: rowNames, help: "measure only these rows of the loads" },
  parts: {
    names: [...loadNames, "sleeping", "memory", "killed"] as const,
    help: "measure only these tables",
  },
};

async function measure(run: Run<typeof options>): Promise<void> {
  const { messages, keys, asks, kills, rows: chosen, parts, profiles, check } = run.options;
  const { results, redis } = run;
  const environment = { redis, profiles, sharesProcesses: check };
  const add = (title: string, figures: Readonly<Record<string, Figures>>) => {
    for (const [row, each] of Object.entries(figures)) results.add([title, row], each);
  };
  for (const name of loadNames.filter((name) => parts.includes(name))) {
    const { title, inFlight, rows: own } = loads[name];
    for (const row of own.filter((row) => chosen.includes(row))) {
      run.progress(`${title}: ${rows[row]}`);
      const load = {
        ...{ first: 0, keys: name === "many" ? keys : 1, inFlight },
        messages: name === "one" ? Math.ceil(messages / 10) : messages,
      };
      add(title, { [row]: await measureLoad(row, load, environment) });
    }
  }
  if (parts.includes("sleeping")) {
    run.progress(sleepingTitle);
    add(sleepingTitle, await measureWaking(asks, environment));
  }
  if (parts.includes("memory")) {
    run.progress(memoryTitle);
    add(memoryTitle, await measureMemory(keys, environment));
  }
  if (parts.includes("killed")) {
    run.progress(killedTitle);
    // Of few keys, a node may by chance get less than the share that the measurement waits for.
    const killedKeys = Math.max(200, Math.min(1_000, keys));
    add(killedTitle, { killed: await measureKills(killedKeys, kills, environment) });
  }
  await stopShared();
}

/** All rows. A row whose messages are lost or repeated ends the bench, so it has no figures. */
const allRows: readonly Measurement[] = [
  ...loadNames.flatMap((name) => loads[name].rows.map((row) => [loads[name].title, row] as const)),
  ...[[sleepingTitle, "ask"] as const, [killedTitle, "killed"] as const],
  ...[[memoryTitle, "sleeping"] as const, [memoryTitle, "timer"] as const],
];

await runBench({
  folder: new URL("./", import.meta.url),
  about: "Measures named actors on Redis, compared with bare ioredis and BullMQ.",
  options,
  packages: ["bullmq", "ioredis", "xstate"],
  needsRedis: "persistent",
  check: {
    requirement: "all rows handle each message once",
    options: { runs: 1, messages: 100, keys: 50, asks: 20, kills: 1 },
    target: (results) => {
      const measured = allRows.filter((row) => results.spread(row, "p50Ms") ?? results.spread(row, "perKey"));
      const count = measured.length;
      return atLeast("Rows", allRows.length, { median: count, min: count, max: count });
    },
  },
  measure,
  report: (results, { messages }) => ({
    extent: `; ${whole(messages)} messages in each load, a tenth with 1 in flight.`,
    targets: targetsOf(results),
    sections: sectionsOf(results),
  }),
});
