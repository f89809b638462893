import { runBench } from "../harness/bench.ts";
import { measureFlood } from "./measuring.ts";
import { floodNames, floods, rowNames } from "./plan.ts";
import { sections, targets } from "./report.ts";

await runBench({
  folder: new URL("./", import.meta.url),
  about: "Measures a client's latency while clients in another room send as fast as the server reads.",
  options: {
    runs: { default: 3, short: 1, help: "number of runs" },
    ms: { default: 5_000, short: 2_000, help: "milliseconds of each flood" },
    rows: { names: rowNames, help: "measure only these servers" },
    flooders: { names: floodNames, help: "measure only these floods; alone means a room per flooder" },
  },
  packages: ["ws", "xstate", "socket.io"],
  packagesFrom: new URL("../fan-out/", import.meta.url),
  async measure({ results, options: { ms, rows, flooders, profiles }, progress }) {
    for (const flood of flooders) {
      const { title } = floods[flood];
      for (const row of rows) {
        progress(`${row}, ${title}`);
        results.add([title, row], await measureFlood(row, flood, ms, profiles));
      }
    }
  },
  report: (results, { ms }) => ({
    extent: `; each flood lasts ${ms / 1_000} s.`,
    targets: targets(results),
    sections: sections(results),
  }),
});
