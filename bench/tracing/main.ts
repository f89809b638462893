import { type Run, runBench } from "../harness/bench.ts";
import type { Results } from "../harness/results.ts";
import { atMost, median, range, ratio, section, type Target } from "../harness/tables.ts";
import { measureRoom } from "./measure-room.ts";
import { inFlight, roomNames, rowNames, rows, titleOf } from "./rows.ts";

const options = {
  ms: { default: 1_500, short: 400, help: "milliseconds per measurement" },
  rooms: { names: roomNames, help: "measure only these rooms" },
  rows: { names: rowNames, help: "measure only these rows" },
};

async function measure(run: Run<typeof options>): Promise<void> {
  const chosen = run.options;
  for (const room of roomNames.filter((name) => chosen.rooms.includes(name))) {
    for (const row of rowNames.filter((name) => chosen.rows.includes(name))) {
      run.progress(`${rows[row]}, ${room}`);
      for await (const [count, figures] of measureRoom(row, room, chosen))
        run.results.add([titleOf(room, count), row], figures);
    }
  }
}

const targets = (results: Results): Target[] =>
  roomNames.map((room) => {
    const title = titleOf(room, inFlight[0]);
    return atMost(
      `${title}: CPU with traces at 1 %, to off`,
      1.05,
      results.ratio("cpu", [title, "sampled"], [title, "off"]),
    );
  });

await runBench({
  folder: new URL("./", import.meta.url),
  about: "Measures the CPU that traces cost in a room of 1,000 members.",
  options,
  packages: ["@opentelemetry/api", "@opentelemetry/sdk-trace-node", "ws", "xstate"],
  measure,
  report: (results, { ms }) => ({
    extent: `, ${ms} ms each.`,
    targets: targets(results),
    sections: roomNames.flatMap((room) =>
      inFlight.map((count) => {
        const title = titleOf(room, count);
        return section(results, title, title, rows, [
          ...[median("CPU µs per delivery", "cpu"), range("cpu"), ratio("to off", "cpu", "off")],
          median("deliveries/s", "perSecond"),
        ]);
      }),
    ),
  }),
});
