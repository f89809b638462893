import type { AddressInfo } from "node:net";
import { expect } from "chai";
import type { ConnectOptions } from "greenroom/client";
import { WebSocket } from "ws";
import { contractClient } from "../../client/contract-client.ts";
import { rawClient } from "../../client/raw-client.ts";
import { until } from "../layers/support/until.ts";
import { type Line, Lines, unusedPort } from "../support/lines.ts";
import { chat, serve, stopServing } from "../support/serving.ts";
import { Counting } from "./support/counting.ts";
import { fastEnvironment } from "./support/fast-environment.ts";
import { expectOnceOrInAGap, Journal } from "./support/journal.ts";
import { outcomeOf } from "./support/stage.ts";
import { Sum, sum } from "./support/sum.ts";

class Brief extends Counting {
  static override readonly session = { resumeMs: 100 };
}

class Small extends Counting {
  static override readonly session = { maxFrames: 5 };
}

/** A frame of a WebSocket client with a short payload has a header of 6 bytes, that of a server one of 2. */
const headerOf = { up: 6, down: 2 };

describe("A client behind a proxy", () => {
  let lines: Lines;
  let first: Awaited<ReturnType<typeof startServer>>;
  const clients: { close(): Promise<void> }[] = [];

  beforeEach(async () => {
    Counting.reset();
    first = await startServer();
    lines = await Lines.to(first.port);
  });
  afterEach(async () => {
    lines.releaseAll();
    await Promise.all(clients.splice(0).map((client) => client.close()));
    await lines.close();
    await stopServing();
  });

  async function startServer() {
    const { runtime, server } = await serve({ layers: chat(), pingIntervalMs: 4_000 });
    runtime.route("/count", Counting);
    runtime.route("/brief", Brief);
    runtime.route("/small", Small);
    runtime.route(Sum);
    return { runtime, port: (server.address() as AddressInfo).port };
  }

  async function join(path = "/count", options: Partial<ConnectOptions> = {}) {
    const url = `http://127.0.0.1:${lines.port}${path}`;
    const client = rawClient({ url, WebSocket, ...options }, fastEnvironment);
    clients.push(client);
    const journal = new Journal(client);
    await until(() => client.status.state === "joined");
    return { client, journal, actor: Counting.newest as Counting };
  }

  const line = () => lines.newest as Line;
  const numbers = (count: number) => Array.from({ length: count }, (_, index) => String(index + 1));

  /** Cuts the line, and keeps the client away until the function that it returns is called. */
  async function cutOff({ client }: { client: { readonly status: { readonly state: string } } }) {
    lines.lead(unusedPort);
    line().cut();
    await until(() => client.status.state === "away");
    return () => lines.lead(first.port);
  }

  it("takes each frame once if the line is cut at any byte of it", async () => {
    const { client } = await join();
    const text = "frame-0";
    const sends: Promise<void>[] = [];
    const length = headerOf.up + text.length;
    for (let cut = 0; cut <= length; cut += 1) {
      line().hold("up");
      sends.push(client.send(`frame-${cut.toString(36)}`));
      await until(() => line().held("up") === length);
      line().leak("up", cut);
      line().cut();
      await sends.at(-1);
    }
    expect(Counting.took).to.deep.equal(sends.map((_, cut) => `frame-${cut.toString(36)}`));
    expect(lines.count).to.equal(sends.length + 1);
  });

  it("gets each frame once if the line is cut at any byte of it", async () => {
    const { journal, actor } = await join();
    let cuts = 0;
    for (let length = headerOf.down; cuts <= length; cuts += 1) {
      length = headerOf.down + `1.${cuts + 1}`.length;
      line().hold("down");
      actor.count();
      const from = line().held("down");
      await until(() => line().held("down") >= from + length);
      line().leak("down", cuts);
      line().cut();
      await until(() => journal.has(`1.${actor.sent}`));
    }
    expect(journal.entries).to.deep.equal(numbers(cuts).map((number) => `1.${number}`));
  });

  it("exchanges frames of maxPayload bytes that are cut in the middle, and refuses larger ones", async () => {
    const { client, journal } = await join();
    const bytes = new Uint8Array(65_536).map((_, index) => index);
    line().hold("up");
    const sent = client.send(bytes);
    await until(() => line().held("up") > 65_536);
    line().leak("up", 40_000);
    line().cut();
    await until(() => lines.count === 2 && client.status.state === "joined");
    line().hold("down");
    await until(() => line().held("down") > 65_536 || journal.bytes.length === 1);
    line().leak("down", 30_000);
    line().cut();
    await sent;
    await until(() => journal.bytes.length === 1);
    expect(journal.bytes).to.deep.equal([bytes]);
    const tooLarge = await client.send(new Uint8Array(65_537)).catch((error) => error);
    expect(tooLarge).to.include({ code: "ERR_FRAME_TOO_LARGE" });
    await client.send("goes on");
    expect(Counting.took).to.deep.equal(["65536 bytes", "goes on"]);
  });

  for (const direction of ["up", "down"] as const) {
    it(`gives up a line that swallows what goes ${direction}, and gets nothing twice when it comes late`, async () => {
      const { client, journal, actor } = await join();
      const swallowing = line();
      swallowing.hold(direction);
      const sends = numbers(3).map((number) => client.send(number));
      actor.count(3);
      await until(() => lines.count === 2 && client.status.state === "joined");
      swallowing.release();
      await Promise.all(sends);
      actor.count();
      await until(() => journal.has("1.4"));
      expect(Counting.took).to.deep.equal(numbers(3));
      expectOnceOrInAGap(journal.entries, 4);
      expect(journal.gaps).to.deep.equal([]);
    });
  }

  it("comes back over another line while the server believes in the old one", async () => {
    const { client, journal, actor } = await join();
    const old = line();
    old.hold("up");
    const sends = numbers(2).map((number) => client.send(number));
    await until(() => old.held("up") > 0);
    old.cutClient();
    await until(() => lines.count === 2 && client.status.state === "joined");
    old.release();
    await Promise.all(sends);
    actor.count(2);
    await until(() => journal.has("1.2"));
    expect(Counting.took).to.deep.equal(numbers(2));
    expectOnceOrInAGap(journal.entries, 2);
  });

  it("asks once, and gets the reply, if the line is cut before and after the server takes the frame", async () => {
    const url = `http://127.0.0.1:${lines.port}`;
    const client = contractClient(sum, { url, WebSocket }, fastEnvironment);
    clients.push(client);
    await until(() => client.status.state === "joined");
    const totals: unknown[] = [];
    const ask = client.ask as (type: "add", payload: { by: number }) => Promise<{ total: number }>;
    for (const direction of ["up", "down", "up", "down"] as const) {
      line().hold(direction);
      const reply = ask("add", { by: 1 });
      await until(() => line().held(direction) > 20);
      line().cut();
      totals.push((await reply).total);
    }
    expect(totals).to.deep.equal([1, 2, 3, 4]);
  });

  it("has a full window on the wire when the line is cut, and takes each frame once", async () => {
    const { client } = await join();
    const sends = ["wait", ...numbers(199)].map((text) => client.send(text));
    await until(() => Counting.took.length === 1);
    line().cut();
    await until(() => lines.count === 2 && client.status.state === "joined");
    line().cut();
    Counting.gate.open();
    await Promise.all(sends);
    expect(Counting.took).to.deep.equal(["wait", ...numbers(199)]);
  });

  it("refuses frames above maxQueue while away, and takes the others once", async () => {
    const joined = await join("/count", { maxQueue: 10 });
    const reconnect = await cutOff(joined);
    const sends = numbers(12).map((number) => outcomeOf(joined.client.send(number)));
    await until(() => sends.filter(({ state }) => state === "rejected").length === 2);
    expect(sends.slice(10).map(({ value }) => (value as { code: string }).code)).to.deep.equal([
      "ERR_QUEUE_FULL",
      "ERR_QUEUE_FULL",
    ]);
    reconnect();
    await until(() => sends.every(({ state }) => state !== "pending"));
    expect(Counting.took).to.deep.equal(numbers(10));
  });

  it("comes back to send what is queued and to end its session, if it is closed while away", async () => {
    const joined = await join();
    const reconnect = await cutOff(joined);
    const sent = joined.client.send("last");
    const closed = joined.client.close();
    reconnect();
    await Promise.all([sent, closed]);
    await until(() => joined.actor.exit !== undefined);
    expect(joined.actor.exit).to.equal("1000 by client");
    expect(Counting.took).to.deep.equal(["last"]);
  });

  it("comes back to end its session, if it is closed while away and nothing is queued", async () => {
    const joined = await join();
    const reconnect = await cutOff(joined);
    const closed = joined.client.close();
    reconnect();
    await closed;
    await until(() => joined.actor.exit !== undefined);
    expect(joined.actor.exit).to.equal("1000 by client");
  });

  it("gets the last frames and the close code of a consumer that closed while it was away", async () => {
    const joined = await join();
    const reconnect = await cutOff(joined);
    await until(() => joined.actor.isAway);
    joined.actor.count(3);
    joined.actor.close(4001, "enough");
    reconnect();
    await until(() => joined.client.status.state === "closed");
    expect(joined.client.status).to.deep.equal({ state: "closed", code: 4001, reason: "enough" });
    expect(joined.journal.entries).to.deep.equal(["1.1", "1.2", "1.3"]);
  });

  it("moves to another server when its own drains, and hears of one gap", async () => {
    const { client, journal, actor } = await join();
    actor.count(2);
    await until(() => journal.has("1.2"));
    lines.lead((await startServer()).port);
    const ending = first.runtime.close({ drainMs: 1_000 });
    await until(() => Counting.all.length === 2 && client.status.state === "joined");
    Counting.newest?.count(2);
    await until(() => journal.has("2.2"));
    await client.send("to the second");
    await ending;
    expectOnceOrInAGap(journal.entries, 2);
    expect(journal.gaps).to.have.length(1);
    expect(journal.gaps[0]).to.include({ fresh: true });
    expect(Counting.took).to.deep.equal(["to the second"]);
  });

  it("hears of one gap for the frames that the server could not keep, and counts on behind them", async () => {
    const { client, journal, actor } = await join("/small");
    line().hold("down");
    actor.count(8);
    line().cut();
    await until(() => journal.has("1.8"));
    line().cut();
    actor.count(2);
    await until(() => journal.has("1.10"));
    expect(journal.entries).to.deep.equal([
      { missed: 3, fresh: false },
      ...["1.4", "1.5", "1.6", "1.7", "1.8", "1.9", "1.10"],
    ]);
    await client.send("goes on");
    expect(Counting.all).to.have.length(1);
  });

  for (const [path, why, lost] of [
    ["/brief", "resumeMs is over", 2],
    ["/small", "the log is full", 5],
  ] as const) {
    it(`hears of one gap, with the number of lost frames, when ${why} while it is away`, async () => {
      const joined = await join(path);
      const { client, journal, actor } = joined;
      // No acknowledgement leaves the client.
      line().hold("up");
      actor.count();
      await until(() => journal.has("1.1"));
      const reconnect = await cutOff(joined);
      await until(() => actor.isAway);
      actor.count(lost);
      const waiting = outcomeOf(client.send("kept"));
      await until(() => actor.exit !== undefined);
      reconnect();
      await until(() => client.status.state === "joined");
      Counting.newest?.count(2);
      await until(() => journal.has("2.2"));
      expect(journal.entries).to.deep.equal(["1.1", { missed: lost, fresh: true }, "2.1", "2.2"]);
      await until(() => waiting.state === "resolved");
      expect(Counting.took).to.deep.equal(["kept"]);
    });
  }
});
