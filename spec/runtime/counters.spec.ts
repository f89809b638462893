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

describe("Counters.refuse", () => {
  it("counts by cause and status. A refusal without a known cause is that of a guard", () => {
    const counters = new Counters();
    counters.refuse({ status: 401 });
    counters.refuse({ status: 401, cause: "guard" });
    counters.refuse({ status: 503, cause: "queue" });
    counters.refuse({ status: 402, cause: "__proto__" as "guard" });
    const { refused, refusals } = counters.snapshot();
    expect(refused).to.equal(4);
    expect(refusals.guard).to.deep.equal({ 401: 2, 402: 1 });
    expect(refusals.queue).to.deep.equal({ 503: 1 });
    expect(refusals.route).to.deep.equal({});
  });
});

describe("Counters.of", () => {
  it("counts up to 1,000 names, and the rest as `other`", () => {
    const counters = new Counters();
    for (let index = 0; index < 1_100; index += 1) counters.of(`C${index}`).framesIn += 1;
    counters.of("C999").framesIn += 1;
    const { consumers } = counters.snapshot();
    expect(Object.keys(consumers)).to.have.length(1_001);
    expect(consumers.C999?.framesIn).to.equal(2);
    expect(consumers.other?.framesIn).to.equal(100);
  });
});
