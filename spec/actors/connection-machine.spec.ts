import { expect } from "chai";
import { type ConnectionEvent, connectionMachine, type Exit } from "greenroom";
import { createActor } from "xstate";

const accept: ConnectionEvent = { type: "accept" };
const reject: ConnectionEvent = { type: "reject", status: 409, reason: "Full" };
const close: ConnectionEvent = { type: "close", code: 4000, reason: "enough", by: "consumer" };
const restart: ConnectionEvent = { type: "close", code: 1012, reason: "restart", by: "runtime" };
const lost: ConnectionEvent = { type: "lost", code: 1001, reason: "tab closed" };
const fail: ConnectionEvent = { type: "fail" };
const deadline: ConnectionEvent = { type: "deadline" };
const cleaned: ConnectionEvent = { type: "cleaned" };

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
    ["joined", [accept], fail, { code: 1011, reason: "Internal error", by: "runtime" }],
  ];

  it("begins in connecting, and joins on accept", () => {
    expect(run()).to.deep.equal({ state: "connecting", cleanUps: [], output: undefined });
    expect(run(accept)).to.deep.equal({ state: "joined", cleanUps: [], output: undefined });
  });

  for (const [from, events, event, exit] of waysOut) {
    const by = event.type === "close" ? `close by the ${event.by}` : event.type;
    it(`leaves ${from} on ${by}, cleans up once, and says how it ended`, () => {
      expect(run(...events, event)).to.deep.equal({ state: "closing", cleanUps: [exit], output: undefined });
      const after = [...events, event, lost, fail, close, accept, cleaned, fail, lost];
      expect(run(...after)).to.deep.equal({ state: "closed", cleanUps: [exit], output: exit });
    });
  }

  it("ignores in joined what belongs to connecting", () => {
    expect(run(accept, deadline, reject, accept, cleaned)).to.include({ state: "joined" });
  });

  it("waits in connecting for nothing but an answer", () => {
    expect(run(cleaned)).to.include({ state: "connecting" });
  });

  it("has no delays, since stopping an actor scans every timer of its system", () => {
    expect(JSON.stringify(connectionMachine.config)).not.to.contain('"after"');
  });
});
