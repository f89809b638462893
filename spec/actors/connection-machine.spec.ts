import { expect } from "chai";
import { type ConnectionEvent, connectionMachine, type Exit } from "greenroom";
import { createActor, fromTransition } from "xstate";
import { connectionLogic, isInspected, trackInspection } from "../../actors/connection-machine.ts";

const accept: ConnectionEvent = { type: "accept" };
const reject: ConnectionEvent = { type: "reject", status: 409, reason: "Full", by: "consumer" };
const close: ConnectionEvent = { type: "close", code: 4000, reason: "enough", by: "consumer" };
const restart: ConnectionEvent = { type: "close", code: 1012, reason: "restart", by: "runtime" };
const lost: ConnectionEvent = { type: "lost", code: 1001, reason: "tab closed" };
const fail: ConnectionEvent = { type: "fail" };
const deadline: ConnectionEvent = { type: "deadline" };
const cleaned: ConnectionEvent = { type: "cleaned" };
const toAway: ConnectionEvent = { type: "away", code: 1006, reason: "" };
const toOnline: ConnectionEvent = { type: "online" };
const online = { joined: "online" };

describe("connectionMachine", () => {
  function run(...events: ConnectionEvent[]) {
    const cleanUps: Exit[] = [];
    const actor = createActor(connectionMachine, {
      input: { effects: { cleanUp: (exit) => cleanUps.push(exit) } },
    });
    actor.start();
    for (const event of events) actor.send(event);
    const { value, output } = actor.getSnapshot();
    return { state: value, cleanUps, output };
  }

  const refusal = (status: number, reason: string, by: Exit["by"]) => ({ code: 1006, reason, by, status });
  const waysOut: [from: string, to: ConnectionEvent[], by: ConnectionEvent, exit: Exit][] = [
    ["connecting", [], reject, refusal(409, "Full", "consumer")],
    ["connecting", [], close, refusal(503, "enough", "consumer")],
    ["connecting", [], restart, refusal(503, "restart", "runtime")],
    ["connecting", [], lost, { code: 1001, reason: "tab closed", by: "client" }],
    ["connecting", [], fail, refusal(500, "Internal error", "runtime")],
    ["connecting", [], deadline, refusal(503, "Connecting took too long", "runtime")],
    ["joined", [accept], close, { code: 4000, reason: "enough", by: "consumer" }],
    ["joined", [accept], restart, { code: 1012, reason: "restart", by: "runtime" }],
    ["joined", [accept], lost, { code: 1001, reason: "tab closed", by: "client" }],
    ["joined.away", [accept, toAway], close, { code: 4000, reason: "enough", by: "consumer" }],
    ["joined.away", [accept, toAway], restart, { code: 1012, reason: "restart", by: "runtime" }],
    ["joined.away", [accept, toAway], lost, { code: 1001, reason: "tab closed", by: "client" }],
    ["joined.away", [accept, toAway], fail, { code: 1011, reason: "Internal error", by: "runtime" }],
    ["joined", [accept], fail, { code: 1011, reason: "Internal error", by: "runtime" }],
  ];

  it("starts in connecting, and joins on accept", () => {
    expect(run()).to.deep.equal({ state: "connecting", cleanUps: [], output: undefined });
    expect(run(accept)).to.deep.equal({ state: online, cleanUps: [], output: undefined });
  });

  for (const [from, events, event, exit] of waysOut) {
    const by = event.type === "close" ? `close by the ${event.by}` : event.type;
    it(`leaves ${from} on ${by}, cleans up once, and records the exit`, () => {
      expect(run(...events, event)).to.deep.equal({ state: "closing", cleanUps: [exit], output: undefined });
      const after = [...events, event, lost, fail, close, accept, cleaned, fail, lost];
      expect(run(...after)).to.deep.equal({ state: "closed", cleanUps: [exit], output: exit });
    });
  }

  it("ignores events of connecting once joined", () => {
    expect(run(accept, deadline, reject, accept, cleaned).state).to.deep.equal(online);
  });

  it("is away while the session has no socket", () => {
    expect(run(accept, toAway).state).to.deep.equal({ joined: "away" });
    expect(run(accept, toAway, toAway).state).to.deep.equal({ joined: "away" });
    expect(run(accept, toAway, toOnline).state).to.deep.equal(online);
    expect(run(accept, toOnline).state).to.deep.equal(online);
    expect(run(toAway).state).to.equal("connecting");
  });

  it("ignores `cleaned` while connecting", () => {
    expect(run(cleaned)).to.include({ state: "connecting" });
  });

  it("has no delays, because stopping an actor scans every timer of its system", () => {
    expect(JSON.stringify(connectionMachine.config)).not.to.contain('"after"');
  });
});

const events: ConnectionEvent[] = [
  accept,
  close,
  lost,
  cleaned,
  { type: "reject", status: 409, reason: "Full", by: "consumer" },
  { type: "fail" },
  { type: "restart" },
  { type: "deadline" },
  toAway,
  { type: "online" },
  // A foreign event, which XState handles.
  { type: "constructor" } as never,
  { type: "xstate.stop" } as never,
];

/** The observable behaviour of a connection's actor that receives `events`. */
function watch(
  logic: typeof connectionMachine,
  sent: readonly ConnectionEvent[],
  inspects: boolean,
): unknown[] {
  const seen: unknown[] = [];
  const parent = createActor(
    fromTransition((_: undefined, event) => void seen.push(event), undefined),
  ).start();
  trackInspection(parent.system);
  if (inspects) {
    parent.system.inspect((inspected) => {
      // XState numbers all actors.
      seen.push(
        inspected.type,
        inspected.type === "@xstate.microstep" &&
          inspected._transitions.map(({ eventType, target }) => [eventType, target]),
      );
    });
  }
  const effects = {
    cleanUp: (exit: Exit) => seen.push(actor.getSnapshot().value, exit),
  };
  const actor = createActor(logic, { parent, id: "one", input: { effects } });
  actor.subscribe({
    next: (snapshot) => {
      seen.push(JSON.parse(JSON.stringify(snapshot)), snapshot.machine, snapshot.can({ type: "accept" }));
      seen.push(snapshot.matches("joined"), snapshot.hasTag("none"));
      seen.push(JSON.stringify(actor.getPersistedSnapshot()), Object.keys(snapshot), snapshot.getMeta());
    },
    complete: () => seen.push("complete"),
  });
  actor.start();
  for (const event of sent) actor.send(event);
  return seen;
}

describe("connectionLogic", () => {
  const ways = [[], [accept], [accept, close], [accept, close, cleaned]];

  for (const inspects of [false, true]) {
    for (const way of ways) {
      const after = way.map(({ type }) => type).join(", ") || "nothing";
      it(`has the machine's snapshots for every event after ${after}${inspects ? ", also with an inspector" : ""}`, () => {
        for (const first of events) {
          for (const second of events) {
            const sent = [...way, first, second, cleaned, lost];
            const name = sent.map(({ type }) => type).join(", ");
            const seen = watch(connectionLogic, sent, inspects);
            expect(seen, name).to.deep.equal(watch(connectionMachine, sent, inspects));
          }
        }
      });
    }
  }

  it("knows whether an inspector is subscribed, also after repeated unsubscribes", () => {
    const { system } = createActor(fromTransition(() => undefined, undefined));
    expect(isInspected(system)).to.equal(true);
    trackInspection(system);
    expect(isInspected(system)).to.equal(false);
    const [one, other] = [system.inspect(() => {}), system.inspect(() => {})];
    one.unsubscribe();
    one.unsubscribe();
    expect(isInspected(system)).to.equal(true);
    other.unsubscribe();
    expect(isInspected(system)).to.equal(false);
  });

  it("fails as the machine does when the clean-up throws", () => {
    const outcomes = [connectionLogic, connectionMachine].map((logic) => {
      const heard: unknown[] = [];
      const parent = createActor(
        fromTransition((_: undefined, event) => void heard.push(event), undefined),
      ).start();
      const cleanUp = () => {
        throw new Error("broken");
      };
      trackInspection(parent.system);
      const actor = createActor(logic, { parent, id: "one", input: { effects: { cleanUp } } }).start();
      actor.send({ type: "fail" });
      const { status, value } = actor.getSnapshot();
      return [heard.map((event) => (event as { error: Error }).error.message), status, value];
    });
    expect(outcomes[0]).to.deep.equal([["broken"], "error", "connecting"]);
    expect(outcomes[1]).to.deep.equal(outcomes[0]);
  });
});
