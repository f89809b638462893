import { readFile } from "node:fs/promises";
import { fileURLToPath } from "node:url";
import { expect } from "chai";
import { connectionMachine } from "greenroom";
import type { AnyStateNode } from "xstate";

const page = fileURLToPath(new URL("../../docs/reference/concepts.md", import.meta.url));

/** Events that lead from a state to another, in lines such as `joined --> closing: close, lost`. */
function transitionsOf({ states }: Pick<AnyStateNode, "states">): string[] {
  return Object.values(states).flatMap((state) => {
    const byTarget = new Map<string, string[]>();
    for (const [event, [transition]] of state.transitions) {
      const target = transition?.target?.[0]?.key;
      if (target !== undefined) byTarget.set(target, [...(byTarget.get(target) ?? []), event]);
    }
    const own = [...byTarget].map(([target, events]) => `${state.key} --> ${target}: ${events.join(", ")}`);
    return [...own, ...transitionsOf(state)];
  });
}

describe("docs/reference/concepts.md", () => {
  let text: string;
  before(async () => {
    text = await readFile(page, "utf8");
  });

  it("draws the connection's machine as it is", () => {
    const [, diagram = ""] = /```mermaid\nstateDiagram-v2\n(.*?)```/s.exec(text) ?? [];
    const drawn = diagram.split("\n").map((line) => line.trim());
    expect(drawn.filter((line) => line.includes(": "))).to.deep.equal(transitionsOf(connectionMachine));
  });

  it("has a section for each word of its table, in that order", () => {
    const words = [...text.matchAll(/^\| \[([\w ]+)\]\(#[\w-]+\) \|/gm)].map(([, word]) => word);
    const sections = [...text.matchAll(/^## ([\w ]+)$/gm)].map(([, heading]) => heading?.toLowerCase());
    expect(words).to.have.length.above(10);
    expect(sections).to.deep.equal(words);
  });
});
