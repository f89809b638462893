import { expect } from "chai";
import { findHandler } from "../../actors/handlers.ts";

describe("findHandler", () => {
  const room_message = () => {};
  const table = { room_message };

  it("finds the table's own keys, and reads a dot as an underscore", () => {
    expect(findHandler(table, "room_message")).to.equal(room_message);
    expect(findHandler(table, "room.message")).to.equal(room_message);
  });

  it("does not find inherited keys", () => {
    const inheriting = Object.assign(Object.create({ inherited() {} }), table);
    for (const type of ["__proto__", "constructor", "toString", "hasOwnProperty", "inherited", ""]) {
      expect(findHandler(inheriting, type), type).to.equal(undefined);
    }
  });
});
