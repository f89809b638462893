import { runBench } from "../harness/bench.ts";
import { measureStorm } from "./measuring.ts";
import { rowNames, titleOf } from "./plan.ts";
import { sections, targets } from "./report.ts";

await runBench({
  folder: new URL("./", import.meta.url),
  about: "Measures how fast clients come back that are dropped at once, and a bystander's latency meanwhile.",
  options: {
    runs: { default: 3, short: 1, help: "number of runs" },
    clients: { default: 5_000, short: 1_000, help: "number of clients that are dropped" },
    rows: { names: rowNames, help: "measure only these servers" },
  },
  packages: ["ws", "xstate", "socket.io-client"],
  async measure({ results, options: { clients, rows, profiles }, progress }) {
    for (const row of rows) {
      progress(row);
      results.add([titleOf(clients), row], await measureStorm(row, clients, profiles));
    }
  },
  report: (results, { clients }) => ({
    extent: ".",
    targets: targets(results, clients),
    sections: sections(results, clients),
  }),
});
