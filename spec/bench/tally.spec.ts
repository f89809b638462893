import { expect } from "chai";
import { Tally } from "../../bench/fan-out/load/tally.ts";
import { messageText, numberIn, senderIn } from "../../bench/harness/client/message-text.ts";

describe("Tally", () => {
  it("reports when the last member has received a message", () => {
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

  it("accepts messages of different senders in any order", () => {
    const tally = new Tally(2, 2, 1);
    for (const sender of [0, 1]) tally.send(sender);
    expect(tally.arrive(0, 0, 0)).to.equal(false);
    expect(tally.arrive(0, 1, 0)).to.equal(false);
    expect(tally.arrive(1, 1, 0)).to.equal(true);
    expect(tally.arrive(1, 0, 0)).to.equal(true);
  });

  it("detects a lost copy", () => {
    const tally = new Tally(1, 1, 2);
    for (let count = 0; count < 2; count += 1) tally.send(0);
    expect(() => tally.arrive(0, 0, 1)).to.throw("Member 0 received message 1 of sender 0 instead of 0.");
    expect(tally.missing).to.equal(2);
  });

  it("detects a duplicate copy", () => {
    const tally = new Tally(2, 1, 2);
    for (let count = 0; count < 2; count += 1) tally.send(0);
    tally.arrive(1, 0, 0);
    expect(() => tally.arrive(1, 0, 0)).to.throw("Member 1 received message 0 of sender 0 again.");
  });

  it("detects copies out of order", () => {
    const tally = new Tally(2, 1, 3);
    for (let count = 0; count < 3; count += 1) tally.send(0);
    tally.arrive(0, 0, 0);
    expect(() => tally.arrive(0, 0, 2)).to.throw("instead of 1");
  });

  it("accepts messages to different rooms in any order, and detects those of one room out of order", () => {
    const tally = new Tally(1, 1, 4, 2);
    for (let count = 0; count < 4; count += 1) tally.send(0);
    expect(tally.arrive(0, 0, 1)).to.equal(true);
    expect(() => tally.arrive(0, 0, 2)).to.throw("instead of 0");
    expect(tally.arrive(0, 0, 3)).to.equal(true);
    for (const number of [0, 2]) expect(tally.arrive(0, 0, number)).to.equal(true);
    expect(tally.missing).to.equal(0);
  });

  it("detects a copy that was never sent, and a copy of an unknown sender", () => {
    const tally = new Tally(1, 1, 1);
    expect(() => tally.arrive(0, 0, 0)).to.throw("never sent");
    tally.send(0);
    expect(() => tally.arrive(0, 1, 0)).to.throw("unknown sender");
    expect(() => tally.arrive(0, Number.NaN, 0)).to.throw("unknown sender");
    expect(() => tally.arrive(0, 0, Number.NaN)).to.throw("instead of 0");
  });

  it("does not send more messages than may be in flight", () => {
    const tally = new Tally(1, 2, 1);
    tally.send(0);
    tally.send(1);
    expect(() => tally.send(0)).to.throw("Sender 0 has more than 1 messages in flight.");
    tally.arrive(0, 0, 0);
    expect(tally.send(0)).to.equal(1);
  });
});

describe("messageText", () => {
  it("holds the room, sender and number in a text of the requested size", () => {
    for (const size of [16, 100, 16_384]) {
      const text = messageText(42, 7, 1_234_567, size);
      expect(text).to.have.lengthOf(size);
      expect(text.slice(0, 5)).to.equal("00042");
      const bytes = Buffer.from(`before${text}`);
      expect(senderIn(bytes, 6)).to.equal(7);
      expect(numberIn(bytes, 6)).to.equal(1_234_567);
    }
  });

  it("yields NaN for the number of another text", () => {
    expect(numberIn(Buffer.from("an error in so many words"), 0)).to.be.NaN;
  });
});
