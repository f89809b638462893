import { expect } from "chai";
import { bystanderRoom, processes, roomMembers, roomsOf } from "../../bench/storm/plan.ts";

describe("The rooms of the storm benchmark", () => {
  for (const clients of [5_000, 1_001]) {
    const crowds = Array.from({ length: processes }, (_, process) => roomsOf(process, clients));

    it(`hold ${clients} clients, at most ${roomMembers} in each room`, () => {
      const rooms = crowds.flat();
      expect(rooms).to.have.lengthOf(clients);
      for (const room of new Set(rooms))
        expect(rooms.filter((each) => each === room).length).to.be.at.most(roomMembers);
      expect(rooms).not.to.contain(bystanderRoom);
    });

    it(`are rooms of one process each, of ${clients} clients`, () => {
      const [first, second] = crowds.map((rooms) => new Set(rooms));
      expect([...(first ?? [])].filter((room) => second?.has(room))).to.deep.equal([]);
    });
  }
});
