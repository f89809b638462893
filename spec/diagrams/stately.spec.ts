import { expect } from "chai";
import { describeMachine, toStately } from "greenroom/visualise";
import { createMachine } from "xstate";
import { machines } from "./machines.ts";

describe("toStately", () => {
  for (const [name, machine] of Object.entries(machines)) {
    it(`writes JSON of which XState makes the same machine: ${name}`, () => {
      const json = JSON.parse(JSON.stringify(toStately(machine))) as object;
      expect(describeMachine(createMachine(json))).to.deep.equal(describeMachine(machine));
    });
  }
});

describe("describeMachine", () => {
  it("refuses what is no machine", () => {
    expect(() => describeMachine({} as never)).to.throw(TypeError, "This is no machine");
  });
});
