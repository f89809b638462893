import { once } from "node:events";
import { expect } from "chai";
import {
  type Acceptance,
  type ConnectionEvents,
  type Effect,
  type Exit,
  type FrameEvents,
  machineConsumer,
  type Scope,
} from "greenroom";
import { emit, setup } from "xstate";
import { Client } from "../../support/client.ts";
import { gate } from "../../support/gate.ts";
import { serve, stopServing } from "../../support/serving.ts";

describe("machineConsumer", () => {
  afterEach(stopServing);

  const exits: Exit[] = [];
  let starts = 0;
  const machine = setup({
    types: {
      events: {} as FrameEvents<{ leave: object }> | ConnectionEvents,
      emitted: {} as Effect,
    },
    actions: {
      begin() {
        starts += 1;
      },
    },
  }).createMachine({
    entry: ["begin", emit({ type: "send", frame: "ready" })],
    on: {
      "frame.leave": { actions: emit({ type: "close", code: 4000, reason: "enough" }) },
      disconnect: {
        actions: ({ event }) => {
          expect(event.code).to.equal(event.exit.code);
          exits.push(event.exit);
        },
      },
    },
  });
  beforeEach(() => {
    exits.length = 0;
    starts = 0;
  });

  async function start(accept?: (scope: Scope<never>) => Acceptance | Promise<Acceptance>) {
    const serving = await serve({ layers: {} });
    serving.runtime.route("/ws", machineConsumer(machine, accept === undefined ? {} : { accept }));
    return { ...serving, url: `${serving.url}/ws` };
  }

  for (const timing of ["at once", "later"]) {
    const decide = (acceptance: Acceptance) => () =>
      timing === "at once" ? acceptance : Promise.resolve(acceptance);

    it(`chooses a subprotocol and sends headers, ${timing}`, async () => {
      const headers = { "Set-Cookie": "seat=7" };
      const { url, failures } = await start((scope) => {
        const [subprotocol = ""] = scope.subprotocols.filter((name) => name === "v2");
        return decide({ subprotocol, headers })();
      });
      const client = new Client(url, ["v1", "v2"]);
      const [[response]] = await Promise.all([
        once(client.websocket, "upgrade"),
        once(client.websocket, "open"),
      ]);
      expect(client.websocket.protocol).to.equal("v2");
      expect(response.headers["set-cookie"]).to.deep.equal(["seat=7"]);
      expect(await client.next()).to.equal("ready");
      expect(failures).to.deep.equal([]);
    });

    it(`refuses an upgrade, and starts no machine, ${timing}`, async () => {
      const { url, failures, runtime } = await start(decide({ status: 409, reason: "Full" }));
      expect(await Client.refused(url)).to.deep.equal({ status: 409, body: "Full" });
      expect([starts, failures, runtime.size]).to.deep.equal([0, [], 0]);
    });
  }

  it("refuses an upgrade with 500 if the decision fails, or if a client could not take it", async () => {
    for (const accept of [
      () => Promise.reject(new Error("undecided")),
      () => {
        throw new Error("undecided");
      },
      () => ({ subprotocol: "not offered" }),
      () => ({ status: 200, reason: "No refusal" }),
    ]) {
      const { url, failures } = await start(accept);
      expect(await Client.refused(url)).to.deep.equal({ status: 500, body: "Internal error" });
      expect(failures.map(({ stage }) => stage)).to.deep.equal(["connect"]);
      expect(starts).to.equal(0);
    }
  });

  it("tells the machine how its connection ended", async () => {
    const { url, runtime } = await start();
    const client = await Client.open(url);
    client.send('{"type":"leave"}');
    expect(await client.closed).to.deep.equal({ code: 4000, reason: "enough" });
    await (await Client.open(url)).close(4001, "goodbye");
    (await Client.open(url)).websocket.terminate();
    while (runtime.size > 0) await new Promise(setImmediate);
    await Client.open(url);
    await runtime.close();
    expect(exits).to.deep.equal([
      { code: 4000, reason: "enough", by: "consumer" },
      { code: 4001, reason: "goodbye", by: "client" },
      { code: 1006, reason: "", by: "client" },
      { code: 1012, reason: "The server is restarting", by: "runtime" },
    ]);
  });

  it("holds back the machine while the decision is pending, and ends with a client that leaves", async () => {
    const deciding = gate();
    const { url, runtime, server, failures } = await start(async () => {
      await deciding.opened;
      return {};
    });
    const isGone = once(server, "connection").then(([socket]) => once(socket, "close"));
    const { websocket } = new Client(url);
    while (runtime.size === 0) await new Promise(setImmediate);
    websocket.terminate();
    await isGone;
    deciding.open();
    while (runtime.size > 0) await new Promise(setImmediate);
    expect([starts, failures, exits]).to.deep.equal([0, [], []]);
  });
});
