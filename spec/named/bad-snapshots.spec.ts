import { expect } from "chai";
import { Redis } from "ioredis";
import { StateKeys } from "../../layers/redis/state/state-keys.ts";
import { StepFailedError } from "../../named/errors.ts";
import { until } from "../layers/support/until.ts";
import { redisUrl } from "../support/redis.ts";
import { newPrefix, startNotes, stopNotes } from "./support/notes.ts";
import { rejectionOf } from "./support/rejection-of.ts";

describe("A stored snapshot that cannot be read", () => {
  let redis: Redis;
  let prefix: string;
  let hash: string;
  let good: Buffer;
  beforeEach(async () => {
    redis = new Redis(redisUrl());
    prefix = newPrefix();
    hash = new StateKeys(prefix).partition({ kind: "notes", index: 0 }).state;
    const { notes, close } = startNotes({ prefix });
    for (const key of ["bad", "good"]) await notes.get(key).ask({ type: "note", text: "first" });
    await close();
    good = (await redis.hgetBuffer(hash, "bad")) as Buffer;
  });
  afterEach(async () => {
    redis.disconnect();
    await stopNotes();
  });

  const breaks: Readonly<Record<string, (stored: Buffer) => Buffer>> = {
    "ends too early": (stored) => stored.subarray(0, -5),
    "has no data": (stored) => stored.subarray(0, stored.indexOf("\n") + 1),
    "has other bytes": (stored) =>
      Buffer.concat([stored.subarray(0, stored.indexOf("\n") + 1), Buffer.from("not {")]),
    "has no version": () => Buffer.from("nothing"),
    "is empty": () => Buffer.alloc(0),
    "names a state that the machine lacks": (stored) =>
      Buffer.from(stored.toString("latin1").replace("\xa4open", "\xa4shut"), "latin1"),
  };
  for (const [what, broken] of Object.entries(breaks)) {
    it(`parks its actor until it is repaired and resumed: it ${what}`, async () => {
      const wrong = broken(good);
      expect(wrong.equals(good)).to.equal(false);
      await redis.hset(hash, "bad", wrong);
      const { notes, layer, errors } = startNotes({ prefix });
      const actor = notes.get("bad");
      await actor.send({ type: "note", text: "second" });
      const parked = () =>
        layer.state.run(async (backend) => (await backend.describe({ kind: "notes", index: 0 })).parked);
      await until(async () => (await parked()).length > 0);
      expect((await parked()).map(({ key }) => key)).to.deep.equal(["bad"]);
      // Asks fail at once, and messages wait.
      expect(await rejectionOf(actor.ask({ type: "note", text: "never" }))).to.be.instanceOf(StepFailedError);
      await actor.send({ type: "note", text: "third" });
      expect(await notes.get("good").ask({ type: "note", text: "second" })).to.deep.equal([
        "first",
        "second",
      ]);
      // Without a repair, the actor is parked again.
      expect(await notes.resume("bad")).to.equal(true);
      await until(async () => (await parked()).length > 0);
      await redis.hset(hash, "bad", good);
      expect(await notes.resume("bad")).to.equal(true);
      expect(await actor.ask({ type: "note", text: "last" })).to.deep.equal([
        "first",
        "second",
        "third",
        "last",
      ]);
      expect(await notes.resume("bad")).to.equal(false);
      expect(errors.length).to.be.at.least(2);
    });
  }
});
