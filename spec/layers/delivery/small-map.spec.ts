import { expect } from "chai";
import fc from "fast-check";
import { SmallMap } from "../../../layers/delivery/small-map.ts";

describe("SmallMap", () => {
  it("behaves like a Map for every sequence of set and delete", () => {
    const keys = [{}, {}, {}];
    const step = fc.record({ key: fc.nat(2), value: fc.option(fc.nat(), { nil: undefined }) });
    fc.assert(
      fc.property(fc.array(step), (steps) => {
        const small = new SmallMap<object, number>();
        const map = new Map<object, number>();
        for (const { key: index, value } of steps) {
          const key = keys[index] as object;
          if (value === undefined) expect(small.delete(key)).to.equal(map.delete(key));
          else {
            small.set(key, value);
            map.set(key, value);
          }
          expect(new Set(small.keys())).to.deep.equal(new Set(map.keys()));
          expect(small.keys()).to.have.length(map.size);
          for (const each of keys) expect(small.get(each)).to.equal(map.get(each));
        }
      }),
    );
  });
});
