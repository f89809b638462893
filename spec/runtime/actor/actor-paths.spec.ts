import { once } from "node:events";
import { expect } from "chai";
import { type ConnectionEvent, connectionMachine, WebSocketConsumer } from "greenroom";
import { type AnyStateNode, type AnyTransitionDefinition, SimulatedClock } from "xstate";
import { getSimplePaths } from "xstate/graph";
import { until } from "../../layers/support/until.ts";
import { gate } from "../../support/gate.ts";
import { serve, stopServing } from "../../support/serving.ts";
import { SessionClient } from "../support/session-client.ts";

const connectTimeoutMs = 15_000;
const resumeMs = 60_000;

/** Every event of the machine, with both origins of `close`. */
const events: readonly ConnectionEvent[] = [
  { type: "accept" },
  { type: "reject", status: 409, reason: "Full", by: "consumer" },
  { type: "close", code: 4000, reason: "enough", by: "consumer" },
  { type: "close", code: 1012, reason: "restart", by: "runtime" },
  { type: "lost", code: 1006, reason: "" },
  { type: "fail" },
  { type: "restart" },
  { type: "away", code: 1006, reason: "" },
  { type: "online" },
  { type: "deadline" },
  { type: "cleaned" },
];

/** Every path from the start of the machine to its end without the same event twice in a row. */
const paths = getSimplePaths(connectionMachine, {
  events: [...events],
  input: { effects: { cleanUp() {} } },
  // The event is part of the state, so that the paths include transitions of a state to itself.
  serializeState: ({ value, context }, event) => JSON.stringify([value, context.exit, event]),
  filterEvents: (snapshot, event) =>
    connectionMachine.getTransitionData(snapshot, event).length > 0 &&
    // Before it has accepted, a consumer can reject but not close.
    !(snapshot.value === "connecting" && event.type === "close" && event.by === "consumer"),
})
  .filter(({ state }) => state.status === "done")
  .map(({ steps }) => steps.map(({ event }) => event).filter(({ type }) => !type.startsWith("xstate.")));

const name = (event: ConnectionEvent) =>
  event.type === "close" ? `close by the ${event.by}` : (event.type as string);

const named = ({ source, eventType, target }: AnyTransitionDefinition) =>
  `${source.key} --${eventType}--> ${target?.[0]?.key ?? source.key}`;

const states: readonly AnyStateNode[] = [
  ...Object.values(connectionMachine.states),
  ...Object.values(connectionMachine.root.states.joined?.states ?? {}),
];

const transitions = states.flatMap((state) =>
  [...state.transitions.values()].flat().map((transition) => named(transition)),
);

/** Opens a connection over a socket. `drive` makes an event of its machine happen. */
async function begin(hasSession: boolean) {
  const clock = new SimulatedClock();
  const taken: string[] = [];
  const { runtime, url } = await serve({
    layers: {},
    clock,
    connectTimeoutMs,
    inspect: (inspected) => {
      if (inspected.type === "@xstate.microstep") taken.push(...inspected._transitions.map(named));
    },
  });
  const answer = gate();
  const disconnects: number[] = [];
  let consumer: Driven | undefined;
  let rejects = false;
  let restarts = 0;
  class Driven extends WebSocketConsumer {
    static override readonly supervision = {
      onFailure: (error: unknown) => ((error as Error).message === "restart" ? "restart" : "stop"),
      backoffMs: 0,
    } as const;
    override async connect() {
      consumer = this;
      await answer.opened;
      if (rejects) this.reject(409, "Full");
    }
    override receive(text: string) {
      if (text === "close") this.close(4000, "enough");
      else throw new Error(text);
    }
    /** Does what a frame would do. */
    do(text: string) {
      this.after(0, () => this.receive(text));
      clock.increment(1);
    }
    override restarted() {
      consumer = this;
      restarts += 1;
      if (isOnline) this.send("restarted");
    }
    override disconnect(code: number) {
      disconnects.push(code);
    }
  }
  runtime.route("/ws", Driven);
  let client = new SessionClient(`${url}/ws`, hasSession ? ["greenroom.v1"] : []);
  let session = "";
  let isOnline = true;
  let attempt = 0;
  const refused = new Promise<number | undefined>((resolve) => {
    client.websocket.once("unexpected-response", (_, { statusCode }) => resolve(statusCode));
  });
  await until(() => consumer !== undefined);
  let joined = false;

  const drive: Record<ConnectionEvent["type"], (event: ConnectionEvent) => unknown> = {
    async accept() {
      answer.open();
      await once(client.websocket, "open");
      if (hasSession) session = String((await client.nextControl()).session);
      joined = true;
    },
    away() {
      isOnline = false;
      client.cut();
    },
    async online() {
      isOnline = true;
      attempt += 1;
      client = await SessionClient.resume(`${url}/ws`, session, attempt, 0);
      await client.nextControl();
    },
    reject() {
      rejects = true;
      answer.open();
    },
    close(event) {
      if (event.type === "close" && event.by === "consumer") consumer?.close(event.code, event.reason);
      else void runtime.close({ drainMs: 0 });
    },
    lost() {
      if (!isOnline) {
        clock.increment(resumeMs);
        return;
      }
      if (hasSession && joined) client.control({ c: "bye" });
      client.websocket.terminate();
    },
    fail() {
      if (joined) consumer?.do("fail");
      else answer.fail(new Error("fail"));
    },
    async restart() {
      consumer?.do("restart");
      // The pause before a restart needs the clock to advance, even with `backoffMs: 0`.
      await until(() => {
        clock.increment(1);
        return restarts > 0;
      });
    },
    deadline() {
      // The deadline starts a few turns after the upgrade.
      return until(() => {
        clock.increment(connectTimeoutMs);
        return taken.length > 0;
      });
    },
    // The actor sends this event by itself.
    async cleaned() {
      answer.open();
      await until(() => runtime.size === 0);
    },
  };
  return {
    closed: () => (isOnline ? client.closed : undefined),
    refused,
    taken,
    disconnects,
    drive: (event: ConnectionEvent) => drive[event.type](event),
  };
}

describe("The paths of a connection", () => {
  const covered = new Set<string>();
  afterEach(stopServing);

  after(() => {
    const list = transitions.map(
      (transition) => `      ${covered.has(transition) ? "✔" : "✘"} ${transition}`,
    );
    process.stdout.write(
      `    ${covered.size} of ${transitions.length} transitions covered\n${list.join("\n")}\n`,
    );
  });

  for (const path of paths) {
    it(`happen over a socket: ${path.map(name).join(", ")}`, async () => {
      const hasSession = path.some(({ type }) => type === "away");
      const { closed, refused, taken, disconnects, drive } = await begin(hasSession);
      for (const [index, event] of path.entries()) {
        await drive(event);
        await until(() => taken.length > index);
      }
      const last = path.at(-2);
      if (path[0]?.type === "accept") {
        const codes = { close: last?.type === "close" ? last.code : 0, fail: 1011, lost: 1006 };
        const code = codes[last?.type as keyof typeof codes];
        const end = closed();
        if (end !== undefined) expect(await end).to.include({ code });
        expect(disconnects).to.deep.equal([code]);
      } else {
        const statuses = { reject: 409, close: 503, fail: 500, deadline: 503, lost: undefined };
        const status = statuses[last?.type as keyof typeof statuses];
        if (status !== undefined) expect(await refused).to.equal(status);
        expect(disconnects).to.deep.equal([]);
      }
      expect(taken.map((transition) => transition.split("--")[1])).to.deep.equal(
        path.map(({ type }) => type),
      );
      for (const transition of taken) covered.add(transition);
    });
  }

  it("take every event of the machine", () => {
    const taken = new Set(paths.flat().map(({ type }) => type));
    expect([...taken].sort()).to.deep.equal([...new Set(events.map(({ type }) => type))].sort());
  });

  it("cover every transition of the machine", () => {
    expect([...covered].sort()).to.deep.equal([...transitions].sort());
  });
});
