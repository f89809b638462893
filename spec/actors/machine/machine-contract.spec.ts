import { expect } from "chai";
import { contractConsumer, machineConsumer } from "greenroom";
import { contract } from "greenroom/contract";
import { communicateWith } from "greenroom/testing";
import { type AnyStateMachine, createMachine } from "xstate";
import { z } from "zod";
import { nextTurn } from "../../support/next-turn.ts";
import { AuctionHouse, auction, checking, reply, selling } from "../support/auction.ts";

const legal = ["at", "bid", "broken", "close", "count", "deep", "settle", "slow"];

describe("machineConsumer with a contract", () => {
  let house: AuctionHouse;
  beforeEach(async () => {
    house = await AuctionHouse.open();
  });
  afterEach(() => house.runtime.close());

  describe("of frames from the client", () => {
    it("passes what the schema gives to the machine", async () => {
      expect(await house.answerTo({ type: "bid", id: 1, amount: 12 })).to.deep.equal({
        type: "best",
        amount: 12,
      });
      expect(await house.next()).to.deep.equal(reply(1, 12));
      expect(await house.answerTo({ type: "at", value: "2020-01-02" })).to.deep.equal({
        type: "echo",
        text: "2020-01-02T00:00:00.000Z",
      });
    });

    it("passes a payload that is not an object as `value`", async () => {
      expect(await house.answerTo({ type: "count", value: 3 })).to.deep.equal({ type: "tick", value: 4 });
    });

    it("takes the parameters of the path from the contract", async () => {
      expect(await communicateWith(house.runtime, "/ws/auction/ten").connect()).to.include({ status: 400 });
      expect(await house.answerTo({ type: "bid", id: 1, amount: 10 })).to.include({ code: "too_low" });
    });

    it("refuses a payload that does not fit before the machine gets it, and lists the legal frames", async () => {
      const { issues, ...facts } = await house.answerTo({ type: "bid", id: 7, amount: "999" });
      expect(facts).to.deep.include({
        code: "greenroom.invalid",
        id: 7,
        expected: legal.filter(isOf("open")),
      });
      expect((issues as { path: unknown }[]).map(({ path }) => path)).to.deep.equal([["amount"]]);
      await house.answerTo({ type: "close" });
      const invalid = await house.answerTo({ type: "bid", id: 8, amount: -1 });
      expect(invalid).to.deep.include({ code: "greenroom.invalid", expected: legal.filter(isOf("closed")) });
      expect(house.refused["greenroom.invalid"]).to.equal(2);
      expect(house.runtime.counters().dropped.unhandled).to.equal(0);
    });

    it("refuses a frame that the state does not accept, with the id of a frame that asks", async () => {
      await house.answerTo({ type: "close" });
      expect(await house.answerTo({ type: "bid", id: "a", amount: 99 })).to.deep.equal({
        type: "greenroom.error",
        id: "a",
        code: "greenroom.unexpected",
        message: `"bid" is not accepted in this state; accepted: ${legal.filter(isOf("closed")).join(", ")}.`,
        expected: legal.filter(isOf("closed")),
      });
      expect(await house.answerTo({ type: "close", id: "b" }))
        .to.include({ code: "greenroom.unexpected" })
        .and.not.have.key("id");
    });

    it("refuses an unknown type, with the frames that are legal in the state", async () => {
      const refused = await house.answerTo({ type: "sell", id: 3 });
      expect(refused).to.deep.include({
        code: "greenroom.unknown_type",
        id: 3,
        expected: legal.filter(isOf("open")),
      });
    });

    it("lists the frames that a wildcard of the state takes", async () => {
      const other = await house.clientOf(createMachine({ on: { "frame.*": { actions: () => {} } } }));
      expect(await house.answerTo({ type: "sell" }, other)).to.deep.include({ expected: legal });
    });

    it("answers `greenroom.failed` if a schema throws, and stays open", async () => {
      expect(await house.answerTo({ type: "broken" }))
        .to.include({ code: "greenroom.failed" })
        .and.not.have.key("expected");
      expect(house.errors).to.deep.equal(["Error: A bug in a schema"]);
      expect(await house.answerTo({ type: "count", value: 1 })).to.include({ value: 2 });
    });

    it("keeps the order of frames while an asynchronous schema is pending", async () => {
      house.client.send('{"type":"slow","text":"first"}');
      house.client.send('{"type":"count","value":1}');
      await nextTurn();
      checking.open();
      expect(await house.next()).to.deep.equal({ type: "echo", text: "first" });
      expect(await house.next()).to.deep.equal({ type: "tick", value: 2 });
    });

    it("still answers frames that do not fit the contract if `answerUnexpected` is off", async () => {
      const quiet = await house.clientOf(selling, { input: () => ({ lot: 1 }), answerUnexpected: false });
      await house.answerTo({ type: "close" }, quiet);
      quiet.send('{"type":"close"}');
      expect(await house.answerTo({ type: "close", id: 5 }, quiet)).to.include({ code: "greenroom.invalid" });
      expect(await house.answerTo("{", quiet)).to.include({ code: "greenroom.bad_json" });
      expect(house.refused["greenroom.unexpected"]).to.equal(1);
    });
  });

  it("lists all frames to the client of a class consumer that sends an invalid one", async () => {
    class Bidding extends contractConsumer(auction) {
      static override readonly frames = Object.fromEntries(legal.map((type) => [type, () => {}]));
    }
    house.runtime.route(Bidding as never, { replace: true } as never);
    const other = communicateWith(house.runtime, "/ws/auction/10");
    await other.connect();
    expect(await house.answerTo({ type: "count", value: "x" }, other)).to.deep.include({
      code: "greenroom.invalid",
      expected: legal,
    });
  });

  describe("of hostile frames", () => {
    it("lets no type reach the machine but those of the contract", async () => {
      const seen: string[] = [];
      const other = await house.clientOf(
        createMachine({ on: { "*": { actions: ({ event }) => seen.push(event.type) } } }),
      );
      const types = [
        "xstate.stop",
        "xstate.done.actor.0",
        "__proto__",
        "constructor",
        "toString",
        "frame.bid",
      ];
      for (const type of [...types, "message.best", "disconnect"])
        expect(await house.answerTo({ type }, other), type).to.include({ code: "greenroom.unknown_type" });
      for (const type of ["frame.*", "*", "", "a b", 7, null, {}, "x".repeat(100)])
        expect(await house.answerTo({ type }, other), String(type)).to.include({
          code: "greenroom.bad_frame",
        });
      expect(seen).to.deep.equal([]);
      expect(await house.answerTo({ type: "bid", amount: "x" }, other)).to.include({
        code: "greenroom.invalid",
      });
    });

    it("sets no prototype, and overwrites no key of the envelope", async () => {
      const fields = '"__proto__":{"polluted":1},"constructor":2,"toString":3,"value":4';
      expect(await house.answerTo(`{"type":"deep",${fields}}`)).to.deep.equal({
        type: "echo",
        text: "__proto__,constructor,toString,value,type true",
      });
      expect(({} as { polluted?: unknown }).polluted).to.equal(undefined);
    });

    it("keeps the type and the id of a frame if a schema gives others", async () => {
      const forged = z.unknown().transform(() => ({ type: "xstate.stop", id: 9, amount: 1 }));
      const forging = contract({
        path: "/ws/forging",
        client: { bid: { payload: forged as never, reply: z.number() } },
        server: {},
      });
      const seen: object[] = [];
      const machine = createMachine({ on: { "*": { actions: ({ event }) => seen.push(event.frame) } } });
      house.runtime.route(machineConsumer(machine as AnyStateMachine, { contract: forging }));
      const other = communicateWith(house.runtime, "/ws/forging");
      await other.connect();
      other.send('{"type":"bid","id":1}');
      await other.disconnect();
      expect(seen[0]).to.deep.equal({ type: "bid", id: 1, amount: 1 });
    });

    it("refuses an id that is not a number or a short text", async () => {
      for (const id of [{}, [], null, true, "x".repeat(101)])
        expect(await house.answerTo({ type: "bid", id, amount: 99 }), JSON.stringify(id))
          .to.include({ code: "greenroom.bad_frame" })
          .and.not.have.key("id");
      expect(await house.answerTo('{"type":"bid","id":1e999,"amount":99}')).to.include({
        code: "greenroom.bad_json",
      });
      expect(await house.answerTo({ type: "bid", id: 1, amount: 11 })).to.include({ amount: 11 });
    });

    it("replies to each frame with a repeated id", async () => {
      for (const amount of [11, 12]) {
        await house.answerTo({ type: "bid", id: "same", amount });
        expect(await house.next()).to.deep.equal(reply("same", amount));
      }
    });
  });

  describe("of a machine that does not fit the contract", () => {
    it("throws if the machine has no transition for a frame", () => {
      const machine = createMachine({ id: "half", on: { "frame.bid": { actions: () => {} } } });
      expect(() => machineConsumer(machine, { contract: auction })).to.throw(
        'The machine "half" has no transition for at, broken, close, count, deep, settle, slow: its contract has ' +
          'these frames. Add "frame.at" to the `on` of a state.',
      );
    });

    it("throws if the machine has a transition for another frame", () => {
      const machine = createMachine({
        id: "more",
        on: { "frame.*": {}, "*": { actions: () => {} }, "frame.sell": { actions: () => {} } },
      });
      expect(() => machineConsumer(machine, { contract: auction })).to.throw(
        'The machine "more" handles frame.sell, which its contract lacks. It has: at, bid,',
      );
    });

    for (const descriptor of ["*", "frame.*"]) {
      it(`accepts a wildcard that covers the frames: ${descriptor}`, () => {
        const machine = createMachine({ on: { [descriptor]: { actions: () => {} } } });
        expect(machineConsumer(machine, { contract: auction }).contract).to.equal(auction);
      });
    }
  });
});

const isOf = (state: "open" | "closed") => (type: string) =>
  state === "open" || !["bid", "settle", "close"].includes(type);
