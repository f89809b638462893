import { expect } from "chai";
import { createRuntime, handlers, WebSocketConsumer } from "greenroom";
import { SimulatedClock } from "xstate";
import { chat } from "../../support/serving.ts";
import { opened, stopCluster } from "../support/cluster.ts";

const many = 1_000;
const names = Array.from({ length: many }, (_, n) => `name.${n}`);

/** The numbers that `left` returns in the turns until `done` resolves. */
async function observe(left: () => number, done: Promise<unknown>): Promise<number[]> {
  const seen = [left()];
  let isDone = false;
  void done.then(() => {
    isDone = true;
  });
  while (!isDone) {
    await new Promise(setImmediate);
    seen.push(left());
  }
  return seen;
}

/** Checks that `seen` falls to zero, by at most 256 in one turn. */
function checkSlices(seen: readonly number[]): void {
  expect(seen[0]).to.equal(many);
  expect(seen.at(-1)).to.equal(0);
  for (const [turn, count] of seen.entries()) expect(count).to.be.at.least((seen[turn - 1] ?? many) - 256);
}

class Crowd extends WebSocketConsumer<{ messages: { note: object } }> {
  static override readonly layer = "chat";
  static override readonly limits = { groups: many, presences: many, watches: many, tags: many };
  static override readonly on = handlers<Crowd>({ note() {} });
  static onDisconnect = (_: Crowd) => {};
  override async connect() {
    const { query } = this.scope;
    if (query.has("groups")) await Promise.all(names.map((name) => this.groupAdd(name)));
    if (query.has("tags")) for (const name of names) this.tag(name);
    if (query.has("watches")) for (const name of names) this.watch(name);
    const graceMs = Number(query.get("grace") ?? 0);
    if (query.has("presences")) for (const name of names) this.track(name, {}, { key: "crowd", graceMs });
  }
  override disconnect() {
    Crowd.onDisconnect(this);
  }
}

describe("An actor that leaves with many", () => {
  const start = (clock?: SimulatedClock) =>
    opened(createRuntime({ layers: chat(), ...(clock && { clock }) }));
  const spawn = (runtime: ReturnType<typeof start>, query: string) =>
    runtime.spawn(Crowd, { query: new URLSearchParams(query) });
  afterEach(async () => {
    Crowd.onDisconnect = () => {};
    await stopCluster();
  });

  it("groups leaves them in slices, before its disconnect", async () => {
    const runtime = start();
    const { local } = runtime.layers.chat;
    const actor = await spawn(runtime, "groups");
    const own = local.groupCount - many;
    let leftAtDisconnect = -1;
    Crowd.onDisconnect = () => {
      leftAtDisconnect = local.groupCount - own;
    };
    checkSlices(await observe(() => local.groupCount - own, actor.stop()));
    expect(leftAtDisconnect).to.equal(0);
    expect(local.member(actor.channel)).to.equal(undefined);
  });

  it("groups drops the messages of those that it has not left yet", async () => {
    const runtime = start();
    const actor = await spawn(runtime, "groups");
    const stopped = actor.stop();
    await runtime.layers.chat.groupSend(names.at(-1) as string, { type: "note" });
    await stopped;
    expect(runtime.counters().dropped.closing).to.equal(1);
  });

  it("presences leaves them in slices", async () => {
    const runtime = start();
    const actor = await spawn(runtime, "presences");
    const present = () => names.filter((name) => runtime.presenceCount(name) > 0).length;
    checkSlices(await observe(present, actor.stop()));
  });

  it("presences with a grace starts their grace after its disconnect, in slices", async () => {
    const clock = new SimulatedClock();
    const runtime = start(clock);
    const actor = await spawn(runtime, "presences&grace=60000");
    let isPresent = false;
    Crowd.onDisconnect = (consumer) => {
      consumer.untrack(names[0] as string);
      isPresent = runtime.presenceCount(names[1] as string) === 1;
    };
    await actor.stop();
    expect(isPresent).to.equal(true);
    const present = () => names.filter((name) => runtime.presenceCount(name) === 1).length;
    expect(present()).to.equal(many - 1);
    // The grace of all of them has begun before the actor is done.
    clock.increment(60_000);
    expect(present()).to.equal(0);
  });

  it("tags and watches ends them before it is done", async () => {
    const runtime = start();
    const actor = await spawn(runtime, "tags&watches");
    expect((await runtime.count(names[many - 1] as string)).count).to.equal(1);
    await actor.stop();
    for (const name of [names[0], names[many - 1]] as string[])
      expect((await runtime.count(name)).count).to.equal(0);
  });
});
