import { expect } from "chai";
import { InvalidNameError } from "../../layers/errors.ts";
import { startNotes, stopNotes } from "./support/notes.ts";

const odd = [
  ..."{}: *?[]\\\"'%\0\n\u007f",
  "{a}",
  "}{",
  "a:b",
  "a b",
  "notes.0}:state",
  "__proto__",
  "constructor",
  "é",
  "e\u0301",
  "\u2028",
  "👩‍🚀",
  "1",
  "01",
  "a-1",
  "k".repeat(100),
  "👩".repeat(50),
];

describe("Keys of named actors", () => {
  afterEach(stopNotes);

  it("can be any well-formed strings, each for an actor of its own", async () => {
    const { notes } = startNotes({ partitions: 3 });
    const answers = await Promise.all(odd.map((key) => notes.get(key).ask({ type: "note", text: key })));
    expect(answers).to.deep.equal(odd.map((key) => [key]));
    const views = await Promise.all(odd.map((key) => notes.get(key).view()));
    expect(views).to.deep.equal(odd.map((key) => ({ texts: [key] })));
    expect(await notes.list()).to.have.members(odd);
  });

  it("are watched and deleted one by one", async () => {
    const { notes } = startNotes();
    for (const key of odd) {
      await notes.get(key).ask({ type: "note", text: "first" });
      const ending = new AbortController();
      const seen: unknown[] = [];
      for await (const view of notes.get(key).watch({ signal: ending.signal })) {
        seen.push(view?.texts.at(-1));
        if (view?.texts.length === 1) await notes.get(key).send({ type: "note", text: key });
        else ending.abort();
      }
      expect(seen).to.deep.equal(["first", key]);
    }
    for (const [index, key] of odd.entries()) {
      expect(await notes.delete(key)).to.equal(true);
      expect(await notes.list()).to.have.members(odd.slice(index + 1));
    }
  });

  for (const [what, key] of [
    ["is empty", ""],
    ["has 101 characters", "k".repeat(101)],
    ["has half of a surrogate pair", "a\ud83d"],
    ["has the other half of a surrogate pair", "\ude00"],
    ["has the halves in the wrong order", "\ude00\ud83d"],
    ["is a number", 7 as unknown as string],
  ] as const) {
    it(`are refused if one ${what}`, async () => {
      const { notes } = startNotes();
      expect(() => notes.get(key)).to.throw(InvalidNameError, 'A key of the kind "notes" is a string');
    });
  }
});
