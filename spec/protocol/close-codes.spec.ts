import { expect } from "chai";
import { comesBack, isFinal } from "../../protocol/close-codes.ts";

describe("A close code", () => {
  const codes = Array.from({ length: 4_000 }, (_, n) => n + 1_000);
  const those = (meaning: string) => codes.filter((code) => comesBack(code) === meaning);

  it("is final after a violation, a refusal that does not change by itself, and another socket", () => {
    const refusals = Array.from({ length: 200 }, (_, n) => n + 3_300);
    const temporary = [3408, 3425, 3426, 3429];
    expect(those("never")).to.deep.equal([
      ...[1002, 1003, 1007, 1008, 1009, 1010],
      ...refusals.filter((code) => !temporary.includes(code)),
      3991,
    ]);
    expect(codes.filter(isFinal)).to.deep.equal(those("never"));
  });

  it("is never final if the server or the line failed", () => {
    const failures = Array.from({ length: 100 }, (_, n) => n + 3_500);
    expect(those("always")).to.deep.equal([
      ...[1001, 1004, 1005, 1006, 1011, 1012, 1013, 1014, 1015, 3008],
      ...[3408, 3425, 3426, 3429, ...failures, 3990, 3992, 3993],
    ]);
  });

  it("of an application is final after bye", () => {
    for (const code of [1000, 3000, 3299, 4000, 4999]) expect(comesBack(code)).to.equal("unless-bye");
  });
});
