import { readFile } from "node:fs/promises";
import { fileURLToPath } from "node:url";
import { expect } from "chai";
import { type RuntimeEventName, type RuntimeEvents, runtimeEvents } from "greenroom";
import { quotedIn, rowsOf } from "../support/markdown-table.ts";

const file = fileURLToPath(new URL("../../docs/reference/events.md", import.meta.url));

/** The named fields, without an index signature and the fields of each event. */
type FieldOf<E> = keyof { [K in keyof E as string extends K ? never : number extends K ? never : K]: E[K] };

const connection = { actor: true, consumer: true, path: true, address: true } as const;

/** The compiler refuses this object if a channel or a field is missing. Add it to the table of the page, too. */
const fields: { [N in RuntimeEventName]: Record<Exclude<FieldOf<RuntimeEvents[N]>, "runtime">, true> } = {
  "greenroom:connection.joined": connection,
  "greenroom:connection.refused": { status: true, reason: true, path: true, address: true, consumer: true },
  "greenroom:connection.closed": { ...connection, code: true, reason: true, by: true, durationMs: true },
  "greenroom:session.away": { ...connection, code: true, reason: true },
  "greenroom:session.resumed": connection,
  "greenroom:limit": { limit: true, hits: true },
  "greenroom:error": { error: true, stage: true, consumer: true, path: true },
  "greenroom:job.failed": { channel: true, job: true, attempt: true, error: true },
  "greenroom:layer.health": { layer: true, ok: true, reason: true },
  "greenroom:node.joined": { node: true },
  "greenroom:node.left": { node: true },
  "greenroom:named": { event: true, kind: true },
  "greenroom:runtime.draining": { connections: true },
  "greenroom:runtime.closed": {},
};

describe("docs/reference/events.md", () => {
  it("lists the channels and their fields", async () => {
    const rows = rowsOf(await readFile(file, "utf8"), "channel", "fields", "when");
    const stated = rows.map(([name, ofEvent]) => [quotedIn(name)[0], quotedIn(ofEvent)]);
    expect(stated).to.deep.equal(runtimeEvents.map((name) => [name, Object.keys(fields[name])]));
    expect(Object.keys(fields).sort()).to.deep.equal([...runtimeEvents].sort());
  });
});
