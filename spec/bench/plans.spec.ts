import { expect } from "chai";
import { busy, partNames, partsOf, sendingTitle, single } from "../../bench/fan-out/plan.ts";
import { floods, protocols, roomsOf, shortestText } from "../../bench/flood/plan.ts";

describe("The plan of the benchmark of fan-out", () => {
  const [members, senders] = [
    ["100", "1000", "4000", "10000"],
    ["1", "16"],
  ];

  it("measures only the tables with 20 in flight if rooms or senders are chosen", () => {
    expect(partsOf({ parts: partNames, members, senders })).to.deep.equal(partNames);
    expect(partsOf({ parts: partNames, members: ["1000"], senders })).to.deep.equal(["busy"]);
    expect(partsOf({ parts: partNames, members, senders: ["16"] })).to.deep.equal(["busy"]);
    expect(partsOf({ parts: ["two"], members, senders: ["16"] })).to.deep.equal(["two"]);
  });

  it("has a title of its own for each way of sending", () => {
    const titles = [sendingTitle(busy(1)), sendingTitle(busy(16)), sendingTitle(single)];
    expect(titles).to.deep.equal([
      "room of 1,000, 20 in flight of one sender",
      "room of 1,000, 20 in flight of 16 senders",
      "room of 1,000, one in flight",
    ]);
  });
});

describe("The plan of the benchmark of floods", () => {
  it("puts the flooders into one room or each into its own, and never to the bystander", () => {
    expect(roomsOf(floods["5"])).to.deep.equal([2, 2, 2, 2, 2]);
    const rooms = roomsOf(floods["20-alone"]);
    expect(new Set(rooms)).to.have.property("size", 20);
    expect(rooms).not.to.contain(1);
  });

  it("floods with texts of one byte where the room is in the path", () => {
    expect(protocols.chat.message(shortestText.chat(2))).to.have.lengthOf(2 + 4 + 1);
  });
});
