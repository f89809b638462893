import { expect } from "chai";
import { type Communicator, communicate } from "greenroom/testing";
import { SimulatedClock } from "xstate";
import { Draft } from "../draft.ts";
import { FakeDatabase } from "../fake-database.ts";

describe("Draft", () => {
  let clock: SimulatedClock;
  let db: FakeDatabase;
  let writer: Communicator;

  beforeEach(async () => {
    clock = new SimulatedClock();
    db = new FakeDatabase();
    writer = communicate(Draft, { services: { db }, options: { clock } });
    await writer.connect();
  });
  afterEach(() => writer.disconnect());

  it("saves the text when the writer pauses", async () => {
    writer.sendJson({ type: "write", text: "hello" });
    await writer.settle();
    clock.increment(4_999);
    await writer.receiveNothing();
    clock.increment(1);
    expect(await writer.receiveJson()).to.deep.equal({ is: "saved" });
    expect(db.saved).to.deep.equal(["hello"]);
  });

  it("waits while the writer goes on", async () => {
    writer.sendJson({ type: "write", text: "hel" });
    await writer.settle();
    clock.increment(4_999);
    writer.sendJson({ type: "write", text: "hello" });
    await writer.settle();
    clock.increment(4_999);
    await writer.receiveNothing();
    expect(db.saved).to.deep.equal([]);
  });

  it("tries again if the database fails", async () => {
    db.failures = 1;
    writer.sendJson({ type: "write", text: "hello" });
    await writer.settle();
    clock.increment(5_000);
    expect(await writer.receiveJson()).to.deep.equal({ is: "not saved" });
    clock.increment(5_000);
    expect(await writer.receiveJson()).to.deep.equal({ is: "saved" });
    expect(db.saved).to.deep.equal(["hello"]);
  });
});
