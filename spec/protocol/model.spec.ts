import { expect } from "chai";
import fc from "fast-check";
import { allRules, allRulesBut, type Rules, ruleNames, ruleTexts } from "./model/rules.ts";
import { keepsPromises, play, runs } from "./model/steps.ts";

/** The promise that the model breaks within 2,000 runs under `rules`; undefined if it keeps all of them. */
function brokenPromise(rules: Rules, isSought = (_promise: string): boolean => true): string | undefined {
  let broken: string | undefined;
  const property = fc.property(runs, (run) => {
    broken = play(run, rules);
    return broken === undefined || !isSought(broken);
  });
  const { failed } = fc.check(property, { seed: 7, numRuns: 2_000, endOnFailure: true });
  return failed ? broken : undefined;
}

describe("the protocol as a model", () => {
  it("keeps its promises in any interleaving", () => {
    fc.assert(keepsPromises(allRules), { numRuns: 2_000 });
  });

  describe("needs the rule that", () => {
    for (const rule of ruleNames)
      it(ruleTexts[rule], () => {
        expect(brokenPromise(allRulesBut(rule))).to.be.a("string");
      });
  });

  describe("runs a command twice unless", () => {
    const isSought = (promise: string) => promise === "a command begins once in a session";
    for (const rule of ["oldSocketIsFenced", "resendOnlyAboveReceived"] as const)
      it(ruleTexts[rule], () => {
        expect(brokenPromise(allRulesBut(rule), isSought)).to.be.a("string");
      });
  });
});
