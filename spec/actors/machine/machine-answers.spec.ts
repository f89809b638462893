import { expect } from "chai";
import { createRuntime, machineConsumer } from "greenroom";
import { communicateWith } from "greenroom/testing";
import { type AnyEventObject, createMachine, emit } from "xstate";
import { unlessByMachine } from "../../support/serving.ts";
import { AuctionHouse, anyFrame, auction, reply } from "../support/auction.ts";

interface AnyEvent {
  readonly event: AnyEventObject;
}

describe("The answers of a machine with a contract", () => {
  let house: AuctionHouse;
  beforeEach(async () => {
    house = await AuctionHouse.open();
  });
  afterEach(() => house.runtime.close());

  describe("of the effects `reply` and `refuse`", () => {
    it("sends no reply to a frame without an id, and handles it", async () => {
      expect(await house.answerTo({ type: "bid", amount: 12 })).to.deep.equal({ type: "best", amount: 12 });
      expect(await house.answerTo({ type: "bid", amount: 11 })).to.deep.equal({
        type: "greenroom.error",
        code: "too_low",
        message: "Another bid is higher",
        data: { best: 12 },
      });
    });

    it("replies to a frame with an id if the machine has no contract", async () => {
      const machine = createMachine({
        on: {
          "frame.now": { actions: emit(({ event }: AnyEvent) => ({ type: "reply", value: event.frame.id })) },
          "frame.later": {
            actions: emit(({ event }: AnyEvent) => ({ type: "reply", value: 0, id: event.frame.id })),
          },
          "frame.no": { actions: emit({ type: "refuse", code: "no", message: "No" }) },
        },
      });
      house.runtime.route("/ws/plain", machineConsumer(machine));
      const other = communicateWith(house.runtime, "/ws/plain");
      await other.connect();
      for (const id of [{}, null, undefined, "x".repeat(101)])
        for (const type of ["now", "later"]) other.send(JSON.stringify({ type, id }));
      expect(await house.answerTo({ type: "now", id: 1 }, other)).to.deep.equal({
        type: "greenroom.reply",
        id: 1,
        value: 1,
      });
      expect(await house.answerTo({ type: "later", id: "a" }, other)).to.include({ id: "a", value: 0 });
      expect(await house.answerTo({ type: "no", id: 2 }, other)).to.include({ id: 2, code: "no" });
      expect(await house.answerTo({ type: "other", id: 3 }, other)).to.include({
        id: 3,
        code: "greenroom.unexpected",
      });
      expect(house.errors).to.have.length(1);
    });

    it("counts a refused frame under its code, and reports nothing", async () => {
      expect(await house.answerTo({ type: "bid", id: 5, amount: 1 })).to.deep.equal({
        type: "greenroom.error",
        id: 5,
        code: "too_low",
        message: "Another bid is higher",
        data: { best: 10 },
      });
      expect(house.refused.too_low).to.equal(1);
      expect(house.errors).to.deep.equal([]);
    });

    it("replies later with the id of the frame", async () => {
      house.client.send('{"type":"settle","id":"later"}');
      expect(await house.answerTo({ type: "count", value: 1 })).to.include({ value: 2 });
      house.clock.increment(1_000);
      expect(await house.next()).to.deep.equal(reply("later", 10));
    });

    it("does nothing later if the frame had no id", async () => {
      house.client.send('{"type":"settle"}');
      await house.answerTo({ type: "count", value: 1 });
      house.clock.increment(1_000);
      expect(await house.answerTo({ type: "close" })).to.deep.equal({ type: "echo", text: "by undefined" });
      expect(house.errors).to.deep.equal([]);
    });

    it("answers a message that asks, or makes the ask fail with code and message", async () => {
      expect(await house.runtime.ask(house.client.channel, { type: "best" })).to.deep.equal({ best: 10 });
      const failure = await house.runtime.ask(house.client.channel, { type: "low" }).then(
        () => undefined,
        (error: unknown) => error,
      );
      expect(failure).to.have.property("code", "ERR_ASK_FAILED");
      expect(failure).to.have.property("message").that.contains("low: Too low");
      expect(house.errors).to.deep.equal([]);
      expect(await house.answerTo({ type: "count", value: 1 })).to.include({ value: 2 });
    });

    for (const [title, actions, message] of [
      [
        "a second reply to one frame",
        [emit({ type: "reply", value: { best: 1 } }), emit({ type: "reply", value: { best: 2 } })],
        /^The frame "bid" has its answer/,
      ],
      [
        "a refusal after a reply",
        [emit({ type: "reply", value: { best: 2 } }), emit({ type: "refuse", code: "no", message: "No" })],
        /^The frame "bid" has its answer/,
      ],
      [
        "a reply after a refusal",
        [emit({ type: "refuse", code: "no", message: "No" }), emit({ type: "reply", value: { best: 2 } })],
        /^The frame "bid" has its answer/,
      ],
    ] as const) {
      it(`fails the connection for ${title}, which the client does not get`, async () => {
        const other = await house.clientOf(anyFrame(actions));
        expect(await house.answerTo({ type: "bid", id: 1, amount: 1 }, other)).to.include({ id: 1 });
        expect(await other.closed).to.include({ code: 1011 });
        expect(house.errors.map((text) => text.replace(/^Error: /, ""))[0]).to.match(message);
        expect(house.refused).to.include({ "greenroom.failed": 0 });
        expect(house.refused.no ?? 0).to.equal(title === "a reply after a refusal" ? 1 : 0);
      });
    }

    for (const [title, effect, frame, message] of [
      [
        "a reply to a frame that does not ask",
        { type: "reply", value: 1 },
        { type: "close" },
        /^Error: The frame "close" does not ask/,
      ],
      [
        "a code of the protocol",
        { type: "refuse", code: "greenroom.failed", message: "" },
        { type: "bid", id: 1, amount: 1 },
        /^TypeError: "greenroom.failed" cannot be the code/,
      ],
      [
        "a reply that JSON cannot hold",
        { type: "reply", value: Number.NaN },
        { type: "bid", id: 1, amount: 1 },
        /^TypeError: JSON cannot hold NaN|^NotJsonError|JSON cannot hold NaN/,
      ],
    ] as const) {
      it(`answers \`greenroom.failed\`, then fails the connection, for ${title}`, async () => {
        const other = await house.clientOf(anyFrame([emit(effect)]));
        expect(await house.answerTo(frame, other)).to.include({ code: "greenroom.failed" });
        expect(await other.closed).to.include({ code: 1011 });
        expect(house.errors.at(-1)).to.match(message);
      });
    }
  });

  describe("of a machine that fails", () => {
    it("answers `greenroom.failed` first, and counts it", async () => {
      const other = await house.clientOf(
        anyFrame([
          () => {
            throw new Error("A bug");
          },
        ]),
      );
      expect(await house.answerTo({ type: "bid", id: 9, amount: 1 }, other)).to.deep.equal({
        type: "greenroom.error",
        id: 9,
        code: "greenroom.failed",
        message: 'The server could not handle the frame "bid".',
      });
      expect(await other.closed).to.include({ code: 1011, reason: "Internal error" });
      expect(house.errors).to.deep.equal(["Error: A bug"]);
      expect(house.refused["greenroom.failed"]).to.equal(1);
    });

    it("answers `greenroom.failed` if an effect of the frame fails later", async () => {
      const other = await house.clientOf(anyFrame([emit({ type: "join", group: "no such name!" })]), {
        layer: "chat",
      });
      expect(await house.answerTo({ type: "bid", id: 9, amount: 1 }, other)).to.include({
        id: 9,
        code: "greenroom.failed",
      });
      expect(await other.closed).to.include({ code: 1011 });
    });

    for (const effect of [
      { type: "reply", value: 3 },
      { type: "refuse", code: "no", message: "No" },
    ]) {
      it(`gives no second answer after the effect \`${effect.type}\` with the id of the frame`, async () => {
        const answer = emit(({ event }: AnyEvent) => ({ ...effect, id: event.frame.id }));
        const wrong = emit({ type: "send", frame: { type: "best", amount: new Map() } });
        const other = await house.clientOf(anyFrame([answer, wrong]));
        expect(await house.answerTo({ type: "bid", id: 9, amount: 1 }, other)).to.include({ id: 9 });
        expect(await other.closed).to.include({ code: 1011 });
        await other.receiveNothing();
        expect(house.refused["greenroom.failed"]).to.equal(0);
      });
    }
  });

  describe("of what the machine sends", () => {
    it("reports a frame that does not fit the contract, once, and sends it", async () => {
      const other = await house.clientOf(
        anyFrame([emit({ type: "send", frame: { type: "best", amount: "many" } })]),
      );
      for (let round = 0; round < 3; round += 1)
        expect(await house.answerTo({ type: "close" }, other)).to.deep.equal({
          type: "best",
          amount: "many",
        });
      expect(house.errors).to.have.length(1);
      expect(house.errors[0]).to.match(
        /^OutgoingFrameError: The server sent a frame of the type "best" .* amount:/,
      );
    });

    for (const [frame, text] of [
      ["text", "text"],
      [{ type: "unknown" }, '{"type":"unknown"}'],
      [[1], "[1]"],
    ] as const) {
      it(`reports a frame that the contract lacks: ${text}`, async () => {
        const other = await house.clientOf(anyFrame([emit({ type: "send", frame })]));
        other.send('{"type":"close"}');
        expect(await other.receive()).to.equal(text);
        expect(house.errors).to.have.length(1);
        expect(house.errors[0]).to.match(/^OutgoingFrameError: .*which its contract lacks/);
      });
    }

    it("checks nothing if `validateOutgoing` is off", async () => {
      const errors: unknown[] = [];
      const machine = anyFrame([
        emit({ type: "send", frame: { type: "unknown" } }),
        emit({ type: "reply", value: "x" }),
      ]);
      await using runtime = createRuntime({
        validateOutgoing: false,
        onError: unlessByMachine((error) => errors.push(error)),
      });
      runtime.route(machineConsumer(machine, { contract: auction }));
      const other = communicateWith(runtime, "/ws/auction/10");
      await other.connect();
      expect(await house.answerTo({ type: "bid", id: 1, amount: 1 }, other)).to.deep.equal({
        type: "unknown",
      });
      expect(await house.next(other)).to.deep.equal({ type: "greenroom.reply", id: 1, value: "x" });
      expect(errors).to.deep.equal([]);
    });

    it("accepts bytes, bare payloads and valid frames", async () => {
      const other = await house.clientOf(
        anyFrame([
          emit({ type: "send", frame: new Uint8Array([1]) }),
          emit({ type: "send", frame: { type: "tick", value: 1 } }),
          emit({ type: "send", frame: { type: "echo", text: "" } }),
        ]),
      );
      other.send('{"type":"close"}');
      expect(await other.receive()).to.deep.equal(new Uint8Array([1]));
      expect([await house.next(other), await house.next(other)]).to.have.length(2);
      expect(house.errors).to.deep.equal([]);
    });

    for (const [title, late] of [
      ["at once", false],
      ["later", true],
    ] as const) {
      it(`reports a reply that does not fit the contract, ${title}`, async () => {
        const other = await house.clientOf(
          anyFrame([
            emit(({ event }: AnyEvent) => ({
              type: "reply",
              value: { best: "x" },
              ...(late && { id: event.frame.id }),
            })),
          ]),
        );
        expect(await house.answerTo({ type: "bid", id: 1, amount: 1 }, other)).to.deep.include({
          value: { best: "x" },
        });
        expect(house.errors).to.have.length(1);
        expect(house.errors[0]).to.match(
          /^OutgoingFrameError: The server sent a reply to the frame "bid" .* best:/,
        );
      });
    }

    it("remembers the types of 100 frames that asked, and does not check replies to others", async () => {
      const other = await house.clientOf(
        createMachine({
          on: {
            "frame.*": { actions: () => {} },
            "frame.close": { actions: emit({ type: "reply", value: "late", id: 0 }) },
          },
        }),
      );
      const ask = (id: number) => other.send(JSON.stringify({ type: "bid", id, amount: 1 }));
      for (let id = 0; id <= 100; id += 1) ask(id);
      expect(await house.answerTo({ type: "close" }, other)).to.include({ value: "late" });
      expect(house.errors).to.deep.equal([]);
      ask(0);
      await house.answerTo({ type: "close" }, other);
      expect(house.errors).to.have.length(1);
    });
  });
});
