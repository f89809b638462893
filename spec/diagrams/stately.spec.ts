import { expect } from "chai";
import { describeMachine, toStately } from "greenroom/visualise";
import { createMachine } from "xstate";
import { machines } from "./machines.ts";

describe("toStately", () => {
  for (const [name, machine] of Object.entries(machines)) {
    it(`writes JSON from which XState makes the same machine: ${name}`, () => {
      const json = JSON.parse(JSON.stringify(toStately(machine))) as object;
      expect(describeMachine(createMachine(json))).to.deep.equal(describeMachine(machine));
    });
  }
});

describe("describeMachine", () => {
  it("rejects a value that is not a machine", () => {
    expect(() => describeMachine({} as never)).to.throw(TypeError, "The argument is not an XState 5 machine");
  });
});
