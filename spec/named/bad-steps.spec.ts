import { expect } from "chai";
import { InvalidMessageError } from "../../layers/errors.ts";
import { StepFailedError } from "../../named/errors.ts";
import { startNotes, stopNotes } from "./support/notes.ts";
import { rejectionOf } from "./support/rejection-of.ts";

describe("A named actor on Redis", () => {
  afterEach(stopNotes);

  it("refuses a message of over 1 MiB, and takes the next one", async () => {
    const { notes } = startNotes();
    const actor = notes.get("a");
    const text = "x".repeat(1024 * 1024);
    expect(await rejectionOf(actor.send({ type: "note", text }))).to.be.instanceOf(InvalidMessageError);
    expect(await rejectionOf(actor.ask({ type: "note", text }))).to.be.instanceOf(InvalidMessageError);
    expect(await actor.ask({ type: "note", text: "small" })).to.deep.equal(["small"]);
  });

  it("sets aside a message that makes its snapshot too large, and keeps its state", async () => {
    const { notes } = startNotes();
    const actor = notes.get("a");
    const text = "x".repeat(300 * 1024);
    await actor.ask({ type: "note", text });
    const error = await rejectionOf(actor.ask({ type: "note", text }));
    expect(error).to.be.instanceOf(StepFailedError);
    expect((await actor.view())?.texts).to.have.length(1);
  });

  it("sets aside the messages at which its machine throws, and keeps the last 1,000", async function () {
    this.timeout(60_000);
    const { notes, layer } = startNotes({ attempts: 1 });
    const [bad, good] = [notes.get("bad"), notes.get("good")];
    const failing = Promise.all(Array.from({ length: 10_000 }, () => bad.send({ type: "fail" })));
    for (let number = 1; number <= 20; number += 1) {
      const texts = await good.ask({ type: "note", text: "good" }, { timeoutMs: 30_000 });
      expect(texts).to.have.length(number);
    }
    await failing;
    expect(await bad.ask({ type: "note", text: "after" }, { timeoutMs: 30_000 })).to.deep.equal(["after"]);
    const partition = { kind: "notes", index: 0 };
    const { deadLetters, waiting } = await layer.state.run((backend) => backend.describe(partition));
    expect({ deadLetters, waiting }).to.deep.equal({ deadLetters: 1_000, waiting: 0 });
  });

  it("does not hold up other actors while a failed step pauses", async () => {
    const { notes } = startNotes({ attempts: 100 });
    await notes.get("bad").send({ type: "fail" });
    await notes.get("bad").send({ type: "note", text: "behind" });
    for (let number = 1; number <= 20; number += 1) {
      expect(await notes.get("good").ask({ type: "note", text: "good" })).to.have.length(number);
    }
    expect(await notes.get("bad").view()).to.equal(undefined);
  });

  it("ends a step that loops forever", async () => {
    const { notes } = startNotes({ attempts: 1 });
    const actor = notes.get("a");
    const error = await rejectionOf(actor.ask({ type: "loop" }));
    expect(error).to.be.instanceOf(StepFailedError);
    expect(error?.message).to.match(/loop/);
    expect(await actor.ask({ type: "note", text: "after" })).to.deep.equal(["after"]);
  });
});
