import { expect } from "chai";
import { machineConsumer } from "greenroom";
import { findMachines } from "greenroom/visualise";
import { createMachine } from "xstate";

const door = createMachine({ id: "door" });
const lamp = createMachine({ id: "lamp" });
const names = (moduleExports: object) => findMachines(moduleExports).map(({ name }) => name);

describe("findMachines", () => {
  it("finds only XState machines and the machines of machineConsumer classes", () => {
    const Lamp = machineConsumer(lamp);
    const moduleExports = { door, Lamp, text: "", none: null, list: [1], make: () => door, Class: class {} };
    expect(findMachines(moduleExports)).to.deep.equal([
      { name: "door", machine: door },
      { name: "Lamp", machine: lamp },
    ]);
  });

  it("returns a machine that is exported twice once, under the machine's own export", () => {
    expect(names({ Consumer: machineConsumer(door), door, again: door })).to.deep.equal(["door"]);
  });

  it("names a default export by the machine's id if that fits on one line", () => {
    expect(names({ default: lamp })).to.deep.equal(["lamp"]);
    expect(names({ default: createMachine({ id: "a --> b\n" }) })).to.deep.equal(["default"]);
    expect(names({ default: createMachine({}) })).to.deep.equal(["default"]);
  });

  it("finds the exports of a CommonJS module", () => {
    expect(names({ default: { door, lamp } })).to.deep.equal(["door", "lamp"]);
  });

  it("finds machines of another copy of XState", () => {
    const foreign = Object.assign(Object.create(null), door, { root: door.root });
    expect(names({ foreign })).to.deep.equal(["foreign"]);
  });
});
