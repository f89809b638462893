import type { AddressInfo } from "node:net";
import { expect } from "chai";
import fc from "fast-check";
import { WebSocket } from "ws";
import { SimulatedClock } from "xstate";
import type { Environment } from "../../client/environment.ts";
import { rawClient } from "../../client/raw-client.ts";
import { until } from "../layers/support/until.ts";
import { Lines } from "../support/lines.ts";
import { nextTurn } from "../support/next-turn.ts";
import { chat, serve, stopServing } from "../support/serving.ts";
import { commandKinds, Exchange, NumberedConsumer } from "./conformance/numbered.ts";
import { Observer } from "./conformance/observer.ts";

/** A run comes to rest long before this. Each poll takes 2 ms or more. */
const maxPolls = 2_000;

/** All that a step can act on. */
interface World {
  readonly lines: Lines;
  readonly page: EventTarget;
  readonly exchange: Exchange;
  readonly observer: Observer;
  readonly clock: SimulatedClock;
}

type Step = (world: World, pick: number) => void | Promise<void>;

/** Each step, and its frequency. */
const steps: readonly (readonly [frequency: number, name: string, step: Step])[] = [
  [8, "send", ({ observer }, pick) => observer.send(commandKinds[pick % commandKinds.length] ?? "plain")],
  [5, "broadcast", ({ exchange }, pick) => broadcast(exchange, 1 + (pick % 4))],
  [4, "let handlers settle", ({ exchange }) => exchange.open()],
  [3, "hold up", ({ lines }) => lines.newest?.hold("up")],
  [3, "hold down", ({ lines }) => lines.newest?.hold("down")],
  [3, "leak up", ({ lines }, pick) => lines.newest?.leak("up", pick)],
  [3, "leak down", ({ lines }, pick) => lines.newest?.leak("down", pick)],
  [4, "release", ({ lines }) => lines.releaseAll()],
  [3, "cut", ({ lines }) => lines.newest?.cut()],
  [3, "cut the client", ({ lines }) => lines.newest?.cutClient()],
  [3, "give up", ({ page }) => giveUp(page)],
  [3, "leave bytes on an old line", (world, pick) => leaveBytes(world, pick)],
  [1, "let sessions expire", ({ clock }) => clock.increment(60_000)],
  [8, "wait", (_world, pick) => waitTurns(1 + (pick % 12))],
  [3, "come to rest", (world) => comeToRest(world)],
];

const schedule = steps.flatMap(([frequency, name, step]) =>
  Array.from({ length: frequency }, () => ({ name, step })),
);

function broadcast({ actors }: Exchange, count: number): void {
  for (const actor of actors) for (let left = count; left > 0; left -= 1) actor.sendNext();
}

/** The browser keeps the page, which loses its socket. */
function giveUp(page: EventTarget): void {
  page.dispatchEvent(Object.assign(new Event("pagehide"), { persisted: true }));
}

/** The client comes back on another line, while what both ends have written waits on the old one. */
async function leaveBytes({ lines, page, exchange, observer }: World, pick: number): Promise<void> {
  await until(() => {
    lines.releaseAll();
    return observer.isJoined;
  });
  lines.newest?.hold("down");
  broadcast(exchange, pick % 3);
  lines.newest?.hold("up");
  observer.send("plain");
  giveUp(page);
  await until(() => observer.isJoined);
}

async function waitTurns(count: number): Promise<void> {
  for (let left = count; left > 0; left -= 1) await nextTurn();
}

/** Lets everything happen that can happen without another cut. */
async function comeToRest({ lines, exchange, observer }: World): Promise<void> {
  let polls = 0;
  await until(() => {
    polls += 1;
    if (polls > maxPolls) throw new Error(`The run does not come to rest: ${observer.state}`);
    lines.releaseAll();
    exchange.open();
    return observer.isComplete;
  });
}

/** Retries and acknowledgements come at once. */
const hastyEnvironment = (page: EventTarget): Environment => ({
  setTimeout: (callback, ms) => setTimeout(callback, ms <= 1_000 ? 0 : ms),
  clearTimeout: (timer) => clearTimeout(timer as NodeJS.Timeout),
  Date,
  Math: { random: () => 0 },
  addEventListener: (type, listener, options) =>
    page.addEventListener(type, (event) => listener(event as Event & { persisted?: boolean }), options),
});

describe("the protocol between a client and a server", () => {
  let runs = 0;
  let world: { readonly lines: Lines; readonly clock: SimulatedClock };
  let dropped: () => number;

  beforeEach(async () => {
    const clock = new SimulatedClock();
    const { runtime, server } = await serve({ layers: chat(), clock, onError: () => {} });
    runtime.route("/ws/:run", NumberedConsumer);
    dropped = () => runtime.counters().dropped.closing;
    world = { clock, lines: await Lines.to((server.address() as AddressInfo).port) };
  });

  afterEach(async () => {
    await world.lines.close();
    await stopServing();
  });

  async function play(run: readonly number[]): Promise<void> {
    runs += 1;
    const exchange = new Exchange();
    NumberedConsumer.exchanges.set(String(runs), exchange);
    const page = new EventTarget();
    const url = `http://127.0.0.1:${world.lines.port}/ws/${runs}`;
    const client = rawClient({ url, WebSocket }, hastyEnvironment(page));
    const observer = new Observer(client, exchange, dropped);
    const all = { ...world, page, exchange, observer };
    for (const number of run) {
      const pick = Math.floor(number / schedule.length);
      await schedule[number % schedule.length]?.step(all, pick);
    }
    await comeToRest(all);
    observer.check();
    await client.close();
  }

  it("keeps its promises through any cuts", async () => {
    const run = fc.array(fc.nat({ max: 2 ** 14 }), { minLength: 10, maxLength: 60, size: "max" });
    await fc.assert(fc.asyncProperty(run, play), { numRuns: 25, endOnFailure: true });
    expect(runs).to.be.at.least(25);
  });
});
