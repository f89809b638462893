import { expect } from "chai";
import { readTrace } from "../../layers/tracing.ts";

const traceparent = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";

describe("readTrace", () => {
  it("takes a traceparent, with or without a tracestate, and nothing else", () => {
    expect(readTrace({ traceparent, except: "a!b" })).to.deep.equal({ traceparent });
    const tracestate = "vendor=value,other=1";
    expect(readTrace({ traceparent, tracestate })).to.deep.equal({ traceparent, tracestate });
  });

  it("leaves out a malformed tracestate", () => {
    for (const tracestate of ["", "a=\n", "a=é", `a=${"b".repeat(511)}`, 7, null, ["a=b"]])
      expect(readTrace({ traceparent, tracestate })).to.deep.equal({ traceparent });
  });

  it("refuses a malformed traceparent", () => {
    const malformed: readonly unknown[] = [
      ...[
        "",
        "00",
        `${traceparent}-00`,
        ` ${traceparent}`,
        traceparent.toUpperCase(),
        `ff${traceparent.slice(2)}`,
      ],
      ...[traceparent.replace(/[1-9a-f]/g, "0"), traceparent.replace("b7ad6b7169203331", "0".repeat(16))],
      ...[7, null, undefined, [traceparent], { toString: () => traceparent }],
    ];
    for (const value of malformed) expect(readTrace({ traceparent: value })).to.equal(undefined);
  });

  it("refuses what is not a map", () => {
    for (const value of [undefined, null, traceparent, 1]) expect(readTrace(value)).to.equal(undefined);
  });
});
