import { runBench } from "../harness/bench.ts";
import { codeLinesOf } from "./code-lines.ts";
import { measureJitter } from "./measuring.ts";
import { rowNames, rows, tableNames, tables } from "./plan.ts";
import { sections, targets } from "./report.ts";

await runBench({
  folder: new URL("./", import.meta.url),
  about: "Counts the messages that reach clients whose network breaks, and whose server is killed.",
  options: {
    runs: { default: 1, short: 1, help: "number of runs" },
    clients: { default: 500, short: 100, help: "number of clients" },
    broadcasts: { default: 60, short: 20, help: "number of broadcasts, two in each second" },
    cuts: { default: 1_700, short: 120, help: "number of cuts of all clients together" },
    rows: { names: rowNames, help: "measure only these rows" },
    tables: { names: tableNames, help: "measure only these tables" },
  },
  packages: ["ws", "xstate", "socket.io", "@socket.io/redis-streams-adapter"],
  needsRedis: true,
  async measure({ results, redis, options, progress }) {
    for (const table of options.tables) {
      for (const row of options.rows) {
        progress(`${row}, ${tables[table]}`);
        await redis.client.flushall();
        const figures = await measureJitter(row, options, table === "killed", redis.url);
        results.add([tables[table], row], { ...figures, lines: await codeLinesOf(rows[row].app) });
      }
    }
  },
  report: (results, { clients, broadcasts, cuts }) => ({
    extent: `; ${clients} clients, ${broadcasts} broadcasts, ${cuts} cuts of 2 s in each row.`,
    targets: targets(results),
    sections: sections(results),
  }),
});
