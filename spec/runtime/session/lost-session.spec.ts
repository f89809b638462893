import { expect } from "chai";
import { MemoryBus, MemoryLayer, type Position } from "greenroom";
import { SimulatedClock } from "xstate";
import { LostSession, readMarks } from "../../../runtime/session/lost-session.ts";
import type { Ticket } from "../../../runtime/session/ticket.ts";

describe("LostSession", () => {
  let layer: MemoryLayer;
  let end: Position;
  let clock: SimulatedClock;
  beforeEach(async () => {
    clock = new SimulatedClock();
    layer = new MemoryLayer({ bus: new MemoryBus({ capacity: 2_000 }), history: true });
    for (let n = 1; n <= 10; n += 1) await layer.groupSend("room", { type: "said", n });
    const { position } = await layer.history("room");
    if (position === undefined) throw new Error("The layer keeps no history.");
    end = position;
  });
  afterEach(() => layer.close());

  const at = (offset: number): Position => ({ ...end, offset });

  function lost(floor: Position, mark: number | undefined, channel = "old!1"): LostSession {
    const ticket: Ticket = { session: "", channel, floors: new Map([["room", floor]]) };
    return new LostSession(layer, ticket, new Map(mark === undefined ? [] : [["room", mark]]), clock);
  }

  const missed = async (session: LostSession, begin = at(10)) =>
    (await session.take("room", begin)?.missed())?.map(({ message }) => message.n);

  it("reads the messages after the mark, up to the begin of the new membership", async () => {
    expect(await missed(lost(at(2), 4), at(7))).to.deep.equal([5, 6, 7]);
    expect(await missed(lost(at(2), 2), at(3))).to.deep.equal([3]);
    expect(await missed(lost(at(2), 7), at(7))).to.deep.equal([]);
    expect(lost(at(2), 4).take("room", at(7))?.floor).to.deep.equal(at(2));
  });

  it("has a gap for a mark that cannot be, and for another epoch", async () => {
    for (const session of [
      lost(at(5), 4),
      lost(at(2), 8),
      lost(at(2), undefined),
      lost({ ...at(2), epoch: "other" }, 4),
    ]) {
      const membership = session.take("room", at(7));
      expect(membership?.floor).to.equal(undefined);
      expect(await membership?.missed()).to.equal(undefined);
    }
    const nothing = { epoch: "", offset: 0 };
    expect(lost(nothing, 0).take("room", nothing)?.floor).to.equal(undefined);
  });

  it("has a gap for all groups with a mark, if the ticket could not be opened", async () => {
    const session = new LostSession(layer, undefined, new Map([["room", 4]]), clock);
    expect(await session.take("room", at(7))?.missed()).to.equal(undefined);
    expect(session.take("other", at(7))).to.equal(undefined);
  });

  it("reads 1,000 messages of a group at most", async () => {
    for (let n = 11; n <= 1_010; n += 1) await layer.groupSend("room", { type: "said", n });
    expect(await missed(lost(at(0), 10), at(1_010))).to.have.length(1_000);
    expect(lost(at(0), 9).take("room", at(1_010))?.floor).to.equal(undefined);
  });

  it("gives each group once, and none after a minute", () => {
    const session = lost(at(2), 4);
    expect(session.take("room", at(7))).not.to.equal(undefined);
    expect(session.take("room", at(7))).to.equal(undefined);
    const late = lost(at(2), 4);
    clock.increment(60_000);
    const inTime = lost(at(2), 4);
    clock.increment(1);
    expect(late.take("room", at(7))).to.equal(undefined);
    expect(inTime.take("room", at(7))).not.to.equal(undefined);
  });
});

describe("readMarks", () => {
  it("reads offsets by group, and refuses anything else", () => {
    expect(readMarks({ room: 3, __proto__: null })).to.deep.equal(new Map([["room", 3]]));
    expect(readMarks(JSON.parse('{"__proto__":3}'))).to.deep.equal(new Map([["__proto__", 3]]));
    for (const marks of [undefined, null, 1, "a", [], [1], { a: -1 }, { a: 1.5 }, { a: "1" }, { a: 2 ** 53 }])
      expect(readMarks(marks)).to.equal(undefined);
  });
});
