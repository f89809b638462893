import { expect } from "chai";
import { until } from "../layers/support/until.ts";
import { nextTurn } from "../support/next-turn.ts";
import { outcomeOf, Stage } from "./support/stage.ts";

describe("A client that sends", () => {
  let stage: Stage;

  beforeEach(async () => {
    stage = await Stage.open();
  });
  afterEach(() => stage.close());

  it("resolves once an ack covers the frame", async () => {
    const { client, peer } = await stage.joined();
    const sends = ["a", "b", "c"].map((text) => outcomeOf(client.send(text)));
    await until(() => peer.unread.length === 3);
    expect(sends.map(({ state }) => state)).to.deep.equal(["pending", "pending", "pending"]);
    peer.control({ c: "ack", n: 2 });
    await until(() => sends[1]?.state === "resolved");
    expect(sends.map(({ state }) => state)).to.deep.equal(["resolved", "resolved", "pending"]);
  });

  it("keeps at most a window of frames on the wire", async () => {
    const { client, peer } = await stage.joined({}, { window: 2 });
    for (const text of ["a", "b", "c", "d", "e"]) outcomeOf(client.send(text));
    await until(() => peer.unread.length === 2);
    await nextTurn();
    expect(peer.unread).to.deep.equal(["a", "b"]);
    peer.control({ c: "ack", n: 1 });
    await until(() => peer.unread.length === 3);
    peer.control({ c: "ack", n: 3 });
    await until(() => peer.unread.length === 5);
    expect(peer.unread).to.deep.equal(["a", "b", "c", "d", "e"]);
  });

  it("sends what was queued before hello", async () => {
    const client = stage.raw();
    outcomeOf(client.send("early"));
    expect(await (await stage.welcome(client)).read()).to.equal("early");
  });

  it("refuses a frame above maxPayload, in bytes, before it is numbered", async () => {
    const { client, peer } = await stage.joined({}, { maxPayload: 6 });
    const tooLarge = outcomeOf(client.send("ääää"));
    const fits = outcomeOf(client.send("äää"));
    expect(await peer.read()).to.equal("äää");
    expect(tooLarge.value).to.have.property("code", "ERR_FRAME_TOO_LARGE");
    peer.control({ c: "ack", n: 1 });
    await until(() => fits.state === "resolved");
  });

  it("refuses a frame if the queue has maxQueue frames", async () => {
    const { client, peer } = await stage.joined({ maxQueue: 2 });
    const sends = ["a", "b", "c"].map((text) => outcomeOf(client.send(text)));
    await until(() => sends[2]?.state === "rejected");
    expect(sends[2]?.value).to.have.property("code", "ERR_QUEUE_FULL");
    await until(() => peer.unread.length === 2);
    peer.control({ c: "ack", n: 1 });
    await until(() => sends[0]?.state === "resolved");
    outcomeOf(client.send("d"));
    await until(() => peer.unread.length === 3);
    expect(peer.unread).to.deep.equal(["a", "b", "d"]);
  });

  it("refuses a frame if the queue has maxQueueBytes, but takes any frame into an empty queue", async () => {
    const { client, peer } = await stage.joined({ maxQueueBytes: 4 });
    const large = outcomeOf(client.send("12345"));
    const small = outcomeOf(client.send("6"));
    await until(() => small.state === "rejected");
    expect(small.value).to.have.property("code", "ERR_QUEUE_FULL");
    peer.control({ c: "ack", n: 1 });
    await until(() => large.state === "resolved");
    for (const text of ["ab", "cd", "e"]) outcomeOf(client.send(text));
    await until(() => peer.unread.length === 3);
    await nextTurn();
    expect(peer.unread).to.deep.equal(["12345", "ab", "cd"]);
  });

  it("escapes a text that begins as a control frame does, in both directions", async () => {
    const { client, peer } = await stage.joined();
    const texts: string[] = [];
    client.on("text", (text) => texts.push(text));
    outcomeOf(client.send("\u0001{}"));
    expect(await peer.read()).to.equal("\u0001\u0001{}");
    peer.send('\u0001\u0001{"c":"bye"}');
    await until(() => texts.length === 1);
    expect(texts).to.deep.equal(['\u0001{"c":"bye"}']);
  });

  it("sends and receives bytes, and copies what it sends", async () => {
    const { client, peer } = await stage.joined({}, { window: 1 });
    const received: Uint8Array[] = [];
    client.on("bytes", (bytes) => received.push(bytes));
    outcomeOf(client.send("first"));
    const bytes = new Uint8Array([1, 2, 3]);
    outcomeOf(client.send(bytes));
    bytes.fill(0);
    peer.control({ c: "ack", n: 1 });
    await peer.read();
    expect(await peer.read()).to.deep.equal(Buffer.from([1, 2, 3]));
    peer.send(new Uint8Array([4, 5]));
    await until(() => received.length === 1);
    expect(received).to.deep.equal([new Uint8Array([4, 5])]);
  });

  it("sends and receives JSON, and gives no text that is not JSON to its listeners", async () => {
    const { client, peer } = await stage.joined();
    const values: unknown[] = [];
    client.on("json", (value) => values.push(value));
    outcomeOf(client.sendJson({ a: 1 }));
    expect(await peer.read()).to.equal('{"a":1}');
    peer.send("not JSON");
    peer.send("[1]");
    await until(() => values.length === 1);
    expect(values).to.deep.equal([[1]]);
    expect(client.seen.errors).to.deep.equal([]);
    const circular: unknown[] = [];
    circular.push(circular);
    const failed = outcomeOf(client.sendJson(circular));
    await until(() => failed.state === "rejected");
    expect(failed.value).to.be.instanceOf(TypeError);
  });

  it("calls each listener although another throws, and reports what it throws", async () => {
    const { client, peer } = await stage.joined();
    const texts: string[] = [];
    client.on("text", () => {
      throw new Error("mine");
    });
    const off = client.on("text", (text) => texts.push(text));
    peer.send("a");
    await until(() => texts.length === 1);
    expect(client.seen.errors).to.have.length(1);
    expect(client.seen.errors[0]).to.have.property("message", "mine");
    off();
    peer.send("b");
    await until(() => client.seen.errors.length === 2);
    expect(texts).to.deep.equal(["a"]);
    expect(client.status.state).to.equal("joined");
  });

  it("does not call a listener that an earlier one has removed", async () => {
    const { client, peer } = await stage.joined();
    const calls: string[] = [];
    client.on("text", () => {
      calls.push("first");
      off();
    });
    const off = client.on("text", () => calls.push("second"));
    peer.send("a");
    await until(() => calls.length > 0);
    expect(calls).to.deep.equal(["first"]);
  });

  for (const [what, text] of [
    ["is not JSON", "\u0001{"],
    ["has no name", "\u0001{}"],
    ["acknowledges frames that were not sent", '\u0001{"c":"ack","n":1}'],
    ["has a negative count", '\u0001{"c":"ack","n":-1}'],
    ["has a count that is not an integer", '\u0001{"c":"skip","n":1.5}'],
    [
      "begins another session",
      '\u0001{"c":"hello","session":"x","window":1,"maxBytes":1,"maxPayload":1,"beatMs":1}',
    ],
    ["resumes what was not lost", '\u0001{"c":"resumed","received":0,"done":0,"from":1}'],
    ["is a bye without a code", '\u0001{"c":"bye"}'],
  ] as const) {
    it(`is closed with 1002 by a control frame that ${what}`, async () => {
      const { client, peer } = await stage.joined();
      peer.send(text);
      await client.reaches("closed");
      expect(client.status).to.include({ state: "closed", code: 1002 });
      expect(await peer.readControl()).to.deep.equal({ c: "bye" });
    });
  }

  for (const [what, frame] of [
    ["an application frame", "text"],
    ["a hello without a window", '\u0001{"c":"hello","session":"x","maxBytes":1,"maxPayload":1,"beatMs":1}'],
    ["an ack", '\u0001{"c":"ack","n":0}'],
  ] as const) {
    it(`is closed with 1002 by ${what} before the session begins`, async () => {
      const client = stage.raw();
      (await stage.server.peer()).send(frame);
      await client.reaches("closed");
      expect(client.status).to.include({ code: 1002 });
    });
  }

  it("ignores a control frame that it does not know", async () => {
    const { client, peer } = await stage.joined();
    peer.send('\u0001{"c":"later"}');
    peer.control({ c: "skip", n: 1 });
    await until(() => client.seen.gaps.length === 1);
    expect(client.status.state).to.equal("joined");
  });
});
