import { expect } from "chai";
import { contract } from "greenroom/contract";
import { z } from "zod";
import { FrameRefused } from "../../client/errors.ts";
import { Stage } from "../client/support/stage.ts";
import { until } from "../layers/support/until.ts";

const talk = contract({
  path: "/talk",
  client: { say: z.object({ text: z.string() }) },
  server: { said: z.object({ text: z.string() }) },
});

/** The longest delay of a timer. Browsers and Node end a longer one at once. */
const longestMs = 2 ** 31 - 1;

describe("A client of a hostile server", () => {
  let stage: Stage;

  beforeEach(async () => {
    stage = await Stage.open();
  });
  afterEach(() => stage.close());

  /** The longest delay of the pending timers, in milliseconds. */
  const longestTimer = () => {
    const { time, timers } = stage.environment;
    return Math.max(...[...timers].map(({ at }) => at - time));
  };

  it("does not come back at once if the delay that the server asks for is longer than a timer", async () => {
    const { client, peer } = await stage.joined();
    peer.control({ c: "bye", code: 3503, reason: "", after: Number.MAX_SAFE_INTEGER });
    await client.reaches("away");
    expect(longestTimer()).to.equal(longestMs);
  });

  it("does not look at a silent line all the time if beatMs is longer than a timer", async () => {
    await stage.joined({}, { beatMs: Number.MAX_SAFE_INTEGER });
    expect(longestTimer()).to.equal(longestMs);
  });

  it("ignores frames whose type is not a text", async () => {
    const client = stage.contract(talk, { validate: false });
    const peer = await stage.welcome(client);
    const said: unknown[] = [];
    client.on("said", (payload) => said.push(payload));
    for (const type of [{ toString: 1, valueOf: 1 }, ["said"], null, 1]) peer.sendJson({ type, text: "no" });
    for (const type of ["__proto__", "constructor", "toString"]) peer.sendJson({ type, text: "no" });
    peer.send(`{"type":"said","text":"yes","__proto__":{"text":"no"}}`);
    await until(() => said.length === 1 || client.status.state !== "joined");
    expect(said).to.have.length(1).and.have.nested.property("0.text", "yes");
    expect(client.status.state).to.equal("joined");
  });

  it("reports an error frame as an error, whatever its fields are", async () => {
    const client = stage.contract(talk);
    const peer = await stage.welcome(client);
    peer.send(
      `{"type":"greenroom.error","code":"app.x","message":"y","data":1,"stack":"forged","__proto__":{"a":1}}`,
    );
    await until(() => client.seen.errors.length === 1);
    const [error] = client.seen.errors;
    expect(error).to.be.instanceOf(FrameRefused).and.include({ code: "app.x", message: "y", data: 1 });
    expect((error as Error).stack).not.to.equal("forged");
  });

  it("has 5 s for its answer if a page that wakes has several events", async () => {
    const { client } = await stage.joined();
    for (const event of ["pageshow", "visibilitychange", "online"]) stage.environment.dispatch(event);
    stage.environment.advance(4_999);
    expect(client.status.state).to.equal("joined");
    stage.environment.advance(1);
    expect(client.status.state).to.equal("away");
  });
});
