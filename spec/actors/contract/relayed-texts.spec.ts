import { expect } from "chai";
import { handlers, relay, relayAs } from "greenroom";
import { RelayedTexts } from "../../../actors/contract/relay.ts";
import { findRelay, hasRelays } from "../../../actors/handlers.ts";

describe("RelayedTexts", () => {
  const message = Object.freeze({ type: "said" });
  const delivery = { group: "room.1", offset: 17, epoch: "e" };
  let calls: number;
  const encode = () => {
    calls += 1;
    return '{"type":"said","text":"{}"}';
  };
  beforeEach(() => {
    calls = 0;
  });

  it("adds the position to the frame of a message, as its last property", () => {
    const text = new RelayedTexts().positioned(message, delivery, encode);
    expect(text).to.equal('{"type":"said","text":"{}","@":["room.1",17]}');
  });

  it("returns the same text for all members, and encodes once for both forms", () => {
    const texts = new RelayedTexts();
    const plain = texts.of(message, encode);
    const positioned = texts.positioned(message, delivery, encode);
    expect(plain).to.equal('{"type":"said","text":"{}"}');
    expect(texts.of(message, encode)).to.equal(plain);
    expect(texts.positioned(message, delivery, encode)).to.equal(positioned);
    expect(calls).to.equal(1);
  });
});

describe("findRelay", () => {
  const table = handlers<never>({ said: relay, room_message: relayAs("said"), noted() {} } as never);

  it("finds the relays of a table, but no other handlers", () => {
    expect(findRelay(table, "said")).to.be.a("function");
    expect(findRelay(table, "room.message")).to.be.a("function");
    for (const type of ["noted", "unknown", "constructor"])
      expect(findRelay(table, type)).to.equal(undefined);
  });

  it("tells whether a table has relays", () => {
    expect(hasRelays(table)).to.equal(true);
    expect(hasRelays({ noted() {} })).to.equal(false);
  });
});
