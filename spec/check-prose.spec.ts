import { expect } from "chai";
import { findBannedPhrases } from "../tools/check-prose.ts";

describe("the check of our prose", () => {
  const banned = [
    "Who joins meanwhile gets the rest.",
    "The layer is open. Whatever was sent before waits.",
    "It is passed on to whoever asked.",
    "Nobody hears of it.",
    "A name that is no channel is refused.",
    "@throws {RangeError} for a limit that makes no sense.",
  ];

  for (const sentence of banned) {
    it(`refuses in comments and pages: ${sentence}`, () => {
      for (const comment of [
        `/** ${sentence} */`,
        `  // ${sentence}`,
        `   * ${sentence}`,
        `f(); // ${sentence}`,
      ]) {
        expect(findBannedPhrases("a.ts", `let a;\n${comment}\n`), comment).to.have.length(1);
      }
      for (const text of [sentence, `- ${sentence}`, `## ${sentence}`, `> ${sentence}`, `A b. ${sentence}`]) {
        expect(findBannedPhrases("a.md", `A page.\n\n${text}\n`), text).to.have.length(1);
      }
    });
  }

  it("says the line, the phrase and the advice", () => {
    expect(findBannedPhrases("a.ts", "\n// Nobody waits.\n")).to.deep.equal([
      { line: 2, phrase: "Nobody", advice: "name the class, the client or the caller" },
    ]);
  });

  it("accepts questions, code, and sentences with a subject", () => {
    const page = [
      "## What is a layer?",
      "`Who is there`",
      "```",
      "// nobody",
      "```",
      "The queue is no longer full.",
    ];
    expect(findBannedPhrases("a.md", page.join("\n"))).to.deep.equal([]);
    const source = 'const text = "nobody";\n// A member that joins later gets `whoever` as text.\n';
    expect(findBannedPhrases("a.ts", source)).to.deep.equal([]);
  });
});
