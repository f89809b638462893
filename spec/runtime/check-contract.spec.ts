import { expect } from "chai";
import { InvalidOptionError, relay, relayAs } from "greenroom";
import { contract, type Schema } from "greenroom/contract";
import { z } from "zod";
import { checkContract } from "../../runtime/check-contract.ts";

const room = contract({
  path: "/room",
  client: { say: z.object({}) as Schema, toString: z.object({}) as Schema },
  server: { said: z.object({}) as Schema },
});
const frames = { say() {}, toString: () => "" };
const check = (given: { readonly [key: string]: unknown }) => () =>
  checkContract({ name: "Room", on: {}, ...given });

describe("checkContract", () => {
  it("accepts a handler for each frame, and relays to frames of the contract", () => {
    expect(check({ contract: room, frames })).not.to.throw();
    expect(
      check({ contract: room, frames, on: { said: relay, other: relayAs("said"), more() {} } }),
    ).not.to.throw();
    expect(check({ on: { other() {} } })).not.to.throw();
    expect(check({ contract: contract({ path: "/", client: {}, server: {} }) })).not.to.throw();
  });

  it("refuses a contract that lacks a part", () => {
    for (const part of ["path", "client", "server"])
      expect(check({ contract: { ...room, [part]: undefined }, frames })).to.throw(
        InvalidOptionError,
        "Room.contract is not a contract: create it with contract({ path, client, server }).",
      );
  });

  it("refuses a missing handler, also one that is inherited or not a function", () => {
    for (const wrong of [
      { toString: () => "" },
      Object.create(frames),
      { ...frames, say: undefined },
      { ...frames, say: relay },
      { ...frames, say: "say" },
    ])
      expect(check({ contract: room, frames: wrong })).to.throw(
        InvalidOptionError,
        "Room.frames lacks a handler for say",
      );
    expect(check({ contract: room })).to.throw(
      "lacks a handler for say, toString: the contract has these frames.",
    );
    expect(check({ contract: room, frames: { say() {} } })).to.throw("lacks a handler for toString:");
  });

  it("refuses a handler of a frame that the contract lacks", () => {
    expect(check({ contract: room, frames: { ...frames, sya() {}, other() {} } })).to.throw(
      InvalidOptionError,
      "Room.frames handles sya, other, which its contract lacks. It has: say, toString.",
    );
  });

  it("refuses a relay to a frame that the contract lacks, or without a contract", () => {
    expect(check({ contract: room, frames, on: { other: relay } })).to.throw(
      InvalidOptionError,
      'Room.on relays "other" as the frame "other", which its contract lacks. It has: said.',
    );
    expect(check({ contract: room, frames, on: { said: relayAs("say") } })).to.throw('as the frame "say"');
    expect(check({ contract: room, frames, on: { toString: relay } })).to.throw('as the frame "toString"');
    expect(check({ on: { said: relay } })).to.throw("which needs a contract: see contractConsumer.");
    const empty = contract({ path: "/", client: {}, server: {} });
    expect(check({ contract: empty, on: { said: relay } })).to.throw("It has: none.");
  });
});
