import { MemoryLayer } from "greenroom";
import { traceRuntime } from "greenroom/tracing";
import { serve } from "../../support/serving.ts";
import { Adder, Room } from "./room.ts";

/** Serves a traced {@link Room}, until `stopServing` ends it. */
export async function startTraced() {
  const serving = await serve({ layers: { chat: new MemoryLayer() }, handlerGraceMs: 100 });
  const { runtime } = serving;
  runtime.route(Room);
  const tracing = traceRuntime(runtime);
  const spawnMembers = (count: number, group: string) =>
    Promise.all(
      Array.from({ length: count }, () => runtime.spawn(Adder, { query: new URLSearchParams({ group }) })),
    );
  return { runtime, tracing, url: `${serving.url}/room/s3cret`, spawnMembers };
}
