import { expect } from "chai";
import { errorCodes } from "greenroom/contract";
import { Counters } from "../../runtime/counters.ts";

describe("Counters.refuseFrame", () => {
  it("starts with the codes of the protocol", () => {
    expect(new Counters().snapshot().refusedFrames).to.deep.equal(
      Object.fromEntries(errorCodes.map((code) => [code, 0])),
    );
  });

  it("counts up to 100 other codes, and the rest as `other`", () => {
    const counters = new Counters();
    for (let index = 0; index < 150; index += 1) counters.refuseFrame(`code ${index}`);
    counters.refuseFrame("code 99");
    counters.refuseFrame("greenroom.failed");
    const { refusedFrames } = counters.snapshot();
    expect(Object.keys(refusedFrames)).to.have.length(errorCodes.length + 101);
    expect(refusedFrames).to.include({ "code 99": 2, other: 50, "greenroom.failed": 1 });
    expect(refusedFrames).not.to.have.property("code 100");
  });

  it("takes codes that are names of Object.prototype", () => {
    const counters = new Counters();
    for (const code of ["__proto__", "constructor", "toString"]) counters.refuseFrame(code);
    const { refusedFrames } = counters.snapshot();
    expect(Object.getPrototypeOf(refusedFrames)).to.equal(Object.prototype);
    for (const code of ["__proto__", "constructor", "toString"])
      expect(Object.getOwnPropertyDescriptor(refusedFrames, code)?.value).to.equal(1);
  });
});
