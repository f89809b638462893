import { expect } from "chai";
import { messageText, numberIn, senderIn } from "../../bench/fan-out/load/message-text.ts";
import { Tally } from "../../bench/fan-out/load/tally.ts";

describe("Tally", () => {
  it("says when the last member has got a message", () => {
    const tally = new Tally(3, 1, 2);
    expect(tally.send(0)).to.equal(0);
    expect(tally.send(0)).to.equal(1);
    expect(tally.arrive(0, 0, 0)).to.equal(false);
    expect(tally.arrive(0, 0, 1)).to.equal(false);
    expect(tally.arrive(1, 0, 0)).to.equal(false);
    expect(tally.arrive(2, 0, 0)).to.equal(true);
    expect(tally.missing).to.equal(2);
    expect(tally.arrive(2, 0, 1)).to.equal(false);
    expect(tally.arrive(1, 0, 1)).to.equal(true);
    expect(tally.missing).to.equal(0);
  });

  it("lets messages of different senders come in any order", () => {
    const tally = new Tally(2, 2, 1);
    for (const sender of [0, 1]) tally.send(sender);
    expect(tally.arrive(0, 0, 0)).to.equal(false);
    expect(tally.arrive(0, 1, 0)).to.equal(false);
    expect(tally.arrive(1, 1, 0)).to.equal(true);
    expect(tally.arrive(1, 0, 0)).to.equal(true);
  });

  it("notices a copy that is lost", () => {
    const tally = new Tally(1, 1, 2);
    for (let count = 0; count < 2; count += 1) tally.send(0);
    expect(() => tally.arrive(0, 0, 1)).to.throw("Member 0 gets message 1 of sender 0 in place of 0.");
    expect(tally.missing).to.equal(2);
  });

  it("notices a copy that comes twice", () => {
    const tally = new Tally(2, 1, 2);
    for (let count = 0; count < 2; count += 1) tally.send(0);
    tally.arrive(1, 0, 0);
    expect(() => tally.arrive(1, 0, 0)).to.throw("Member 1 gets message 0 of sender 0 a second time.");
  });

  it("notices copies out of order", () => {
    const tally = new Tally(2, 1, 3);
    for (let count = 0; count < 3; count += 1) tally.send(0);
    tally.arrive(0, 0, 0);
    expect(() => tally.arrive(0, 0, 2)).to.throw("in place of 1");
  });

  it("notices a copy of what was never sent, and of another sender", () => {
    const tally = new Tally(1, 1, 1);
    expect(() => tally.arrive(0, 0, 0)).to.throw("never sent");
    tally.send(0);
    expect(() => tally.arrive(0, 1, 0)).to.throw("no such sender");
    expect(() => tally.arrive(0, Number.NaN, 0)).to.throw("no such sender");
    expect(() => tally.arrive(0, 0, Number.NaN)).to.throw("in place of 0");
  });

  it("sends no more than may be on its way", () => {
    const tally = new Tally(1, 2, 1);
    tally.send(0);
    tally.send(1);
    expect(() => tally.send(0)).to.throw("Sender 0 has more on its way than 1.");
    tally.arrive(0, 0, 0);
    expect(tally.send(0)).to.equal(1);
  });
});

describe("messageText", () => {
  it("says whose and which message it is, in as many bytes as are asked for", () => {
    for (const size of [16, 100, 16_384]) {
      const text = messageText(42, 7, 1_234_567, size);
      expect(text).to.have.lengthOf(size);
      expect(text.slice(0, 5)).to.equal("00042");
      const bytes = Buffer.from(`before${text}`);
      expect(senderIn(bytes, 6)).to.equal(7);
      expect(numberIn(bytes, 6)).to.equal(1_234_567);
    }
  });

  it("is no number where another text stands", () => {
    expect(numberIn(Buffer.from("an error in so many words"), 0)).to.be.NaN;
  });
});
