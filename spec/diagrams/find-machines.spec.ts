import { expect } from "chai";
import { machineConsumer } from "greenroom";
import { findMachines } from "greenroom/visualise";
import { createMachine } from "xstate";

const door = createMachine({ id: "door" });
const lamp = createMachine({ id: "lamp" });
const names = (moduleExports: object) => findMachines(moduleExports).map(({ name }) => name);

describe("findMachines", () => {
  it("finds machines, and what machineConsumer made of them, and nothing else", () => {
    const Lamp = machineConsumer(lamp);
    const moduleExports = { door, Lamp, text: "", none: null, list: [1], make: () => door, Class: class {} };
    expect(findMachines(moduleExports)).to.deep.equal([
      { name: "door", machine: door },
      { name: "Lamp", machine: lamp },
    ]);
  });

  it("finds one that is exported twice once, by its own name", () => {
    expect(names({ Consumer: machineConsumer(door), door, again: door })).to.deep.equal(["door"]);
  });

  it("calls a default export by the machine's id, if that can stand in a line of text", () => {
    expect(names({ default: lamp })).to.deep.equal(["lamp"]);
    expect(names({ default: createMachine({ id: "a --> b\n" }) })).to.deep.equal(["default"]);
    expect(names({ default: createMachine({}) })).to.deep.equal(["default"]);
  });

  it("looks into what a CommonJS module exports", () => {
    expect(names({ default: { door, lamp } })).to.deep.equal(["door", "lamp"]);
  });

  it("finds machines of another copy of XState", () => {
    const foreign = Object.assign(Object.create(null), door, { root: door.root });
    expect(names({ foreign })).to.deep.equal(["foreign"]);
  });
});
