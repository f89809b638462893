import { expect } from "chai";
import { OutgoingFrameError } from "greenroom";
import { contract } from "greenroom/contract";
import { z } from "zod";
import { checkReply, checkServerFrame } from "../../../actors/contract/outgoing-check.ts";
import { nextTurn } from "../../support/next-turn.ts";
import { anything, schemaOf } from "./support/schemas.ts";

const asked = { payload: anything, reply: z.object({ n: z.number() }) };
const room = contract({
  path: "/",
  client: { ask: asked },
  server: {
    said: z.strictObject({ text: z.string() }),
    count: z.number(),
    list: z.array(z.number()),
    at: z.date(),
    late: z.object({ n: z.number().refine(async (n) => n > 0) }),
    broken: schemaOf(() => {
      throw new Error("A bug");
    }),
    rejects: schemaOf(() => Promise.reject(new Error("A late bug"))),
    garbage: schemaOf(() => undefined),
  },
});

describe("checkServerFrame", () => {
  const reports: [key: string, error: Error][] = [];
  const report = (key: string, error: () => Error) => reports.push([key, error()]);
  const check = async (type: string, payload: unknown) => {
    reports.length = 0;
    checkServerFrame(room, type, payload, report);
    await nextTurn();
    for (const [, error] of reports) expect(error).to.be.instanceOf(OutgoingFrameError);
    return reports.map(([key, { message }]) => `${key} | ${message}`);
  };

  it("accepts what fits, with and without the type of a message", async () => {
    expect(await check("said", { text: "hi" })).to.deep.equal([]);
    expect(await check("said", { type: "room_message", text: "hi" })).to.deep.equal([]);
    expect(await check("count", 3)).to.deep.equal([]);
    expect(await check("list", [3])).to.deep.equal([]);
    expect(await check("at", new Date(0))).to.deep.equal([]);
    expect(await check("late", { n: 1 })).to.deep.equal([]);
  });

  it("reports what does not fit, with the parts", async () => {
    expect(await check("said", { text: 4 })).to.deep.equal([
      'said | The server sent a frame of the type "said" that does not fit its schema: ' +
        "text: Invalid input: expected string, received number.",
    ]);
    expect((await check("count", "3"))[0]).to.include("schema: payload: Invalid input");
    expect((await check("late", { n: 0 }))[0]).to.include("late | ");
  });

  it("reports types that the contract lacks, also names of Object.prototype, under one key", async () => {
    for (const type of ["other", "toString", "__proto__", "ask"])
      expect(await check(type, {})).to.deep.equal([
        ` | The server sent a frame of the type "${type}", which its contract lacks.`,
      ]);
  });

  it("reports a schema that fails, with its error as the cause", async () => {
    for (const [type, cause] of [
      ["broken", "Error: A bug"],
      ["rejects", "Error: A late bug"],
      ["garbage", "TypeError: A schema must return a value"],
    ] as const) {
      expect(await check(type, {})).to.deep.equal([
        `${type} | The schema of a frame of the type "${type}" failed.`,
      ]);
      expect(String(reports[0]?.[1].cause)).to.include(cause);
    }
  });

  it("checks replies, under a key of their own", () => {
    reports.length = 0;
    checkReply(room, "ask", { n: 1 }, report);
    expect(reports).to.deep.equal([]);
    checkReply(room, "ask", { n: "1" }, report);
    expect(reports.map(([key, { message }]) => `${key} | ${message}`)).to.deep.equal([
      'ask reply | The server sent a reply to the frame "ask" that does not fit its schema: ' +
        "n: Invalid input: expected number, received string.",
    ]);
  });
});
