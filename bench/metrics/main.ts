import { type Run, runBench } from "../harness/bench.ts";
import { atMost, median, orDash, range, ratio, section } from "../harness/tables.ts";
import { measureRoom } from "./measuring.ts";
import { inFlight, rowNames, rows, title } from "./rows.ts";

const options = {
  ms: { default: 300, short: 200, help: "milliseconds of each turn of a row" },
  turns: { default: 15, short: 4, help: "turns of each row" },
  rows: { names: rowNames, help: "measure only these rows" },
};

async function measure(run: Run<typeof options>): Promise<void> {
  for (const count of inFlight) {
    run.progress(title(count));
    const figures = await measureRoom({ ...run.options, inFlight: count });
    for (const [row, each] of figures) run.results.add([title(count), row], each);
  }
}

await runBench({
  folder: new URL("./", import.meta.url),
  about: "Measures the cost of metrics for a message to a room.",
  options,
  packages: ["prom-client", "ws"],
  measure,
  report: (results, { ms, turns }) => ({
    extent: `; ${turns} turns of ${ms} ms for each row.`,
    targets: inFlight.map((count) =>
      atMost(
        `${title(count)}: CPU with metrics to that without`,
        1.03,
        results.ratio("cpu", [title(count), "metrics"], [title(count), "off"]),
      ),
    ),
    sections: inFlight.map((count) =>
      section(results, title(count), title(count), rows, [
        ...[median("CPU µs", "cpu"), range("cpu"), ratio("to off", "cpu", "off")],
        orDash(median("scrape, ms of CPU", "scrapeMs")),
      ]),
    ),
  }),
});
