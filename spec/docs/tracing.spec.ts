import { readFile } from "node:fs/promises";
import { SpanKind } from "@opentelemetry/api";
import { expect } from "chai";
import { MemoryLayer } from "greenroom";
import { traceRuntime } from "greenroom/tracing";
import { until } from "../layers/support/until.ts";
import { Client } from "../support/client.ts";
import { quotedIn, rowsOf } from "../support/markdown-table.ts";
import { serve, stopServing } from "../support/serving.ts";
import { register, unregister } from "../tracing/support/registered.ts";
import { Adder, Room } from "../tracing/support/room.ts";

const frameTypes = ["say", "count", "work", "later", "leave"];
const methods = ["connect", "disconnect", "receive", "timer", "onAway", "onOnline"];

/** The name of a span as the page writes it. */
function general(name: string): string {
  const [first = "", second = ""] = name.split(" ");
  if (first === "work" || first === "submit") return `${first} <queue>`;
  const subject = first === "Room" || first === "Adder" ? "<consumer>" : first;
  if (methods.includes(second)) return `${subject} ${second}`;
  return `${subject} ${frameTypes.includes(second) ? "<frame>" : "<message>"}`;
}

describe("docs/guides/tracing.md", () => {
  afterEach(async () => {
    await stopServing();
    unregister();
  });

  it("lists the spans with their kinds and parents, and their attributes", async () => {
    const page = await readFile(new URL("../../docs/guides/tracing.md", import.meta.url), "utf8");
    const recorded = register();
    const { runtime, url } = await serve({ layers: { chat: new MemoryLayer() } });
    runtime.route(Room);
    traceRuntime(runtime);
    await runtime.worker("jobs", () => {});
    await Promise.all(
      ["room", "adders"].map((group) => runtime.spawn(Adder, { query: new URLSearchParams({ group }) })),
    );
    const away = await runtime.spawn(Room, { params: { secret: "a" } });
    away.away();
    const has = (name: string) => () => recorded.named(name).length > 0;
    await until(has("Room onAway"));
    away.online();
    await until(has("Room onOnline"));
    const client = await Client.open(`${url}/room/a`);
    for (const type of ["unknown", "refuse", ...frameTypes.slice(0, -1)])
      client.send(JSON.stringify({ type, text: "hi" }));
    await until(has("Room timer"));
    client.send('{"type":"leave"}');
    await client.closed;
    await Client.refused(`${url}/room/closed`);
    await until(() => has("Room disconnect")() && recorded.open === 0);
    const { spans } = recorded;
    const real = spans
      .filter(
        ({ name }) => !["sign-in", "query", "in the timer", "of the member", "Room refuse"].includes(name),
      )
      .map(({ name, kind, parentId }) => {
        const parent = spans.find(({ spanId }) => spanId === parentId)?.name;
        return `${general(name)}, ${SpanKind[kind]}, ${parent === undefined ? "none" : general(parent)}`;
      });
    const ofPage = rowsOf(page, "span", "kind").flatMap(([names, kind, , parents]) =>
      quotedIn(names).map((name) => ({ name, kind, parents: [...quotedIn(parents), parents ?? ""] })),
    );
    const isOf = (text: string) => (row: (typeof ofPage)[number]) => {
      const [name, kind, parent = ""] = text.split(", ");
      const isParent =
        row.parents.includes(parent) ||
        (row.parents.includes("the active span") && parent !== "none") ||
        (row.name === "work <queue>" && parent === "submit <queue>");
      return row.name === name && row.kind === kind && isParent;
    };
    expect(real.filter((text) => !ofPage.some(isOf(text)))).to.deep.equal([]);
    expect(ofPage.filter((row) => !real.some((text) => isOf(text)(row)))).to.deep.equal([]);
    const attributes = new Set(spans.flatMap((span) => Object.keys(span.attributes)));
    attributes.delete("error.type");
    expect(rowsOf(page, "attribute", "value").flatMap(([names]) => quotedIn(names))).to.have.members([
      ...attributes,
    ]);
  });
});
