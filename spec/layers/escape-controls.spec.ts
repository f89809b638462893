import { expect } from "chai";
import { escapeControls, GreenroomError } from "greenroom";
import { createReporter } from "../../layers/error-reporter.ts";
import { stackOf } from "../../layers/errors.ts";
import { escapeLines } from "../../layers/escape-controls.ts";

/** All that a terminal obeys, and all that begins or reorders a line. */
const hostile = [
  ...Array.from({ length: 32 }, (_, code) => code),
  ...Array.from({ length: 33 }, (_, index) => 0x7f + index),
  ...[0x061c, 0x200e, 0x200f, 0x2028, 0x2029, 0x202a, 0x202b, 0x202c, 0x202d, 0x202e],
  ...[0x2066, 0x2067, 0x2068, 0x2069],
].map((code) => String.fromCharCode(code));

describe("escapeControls", () => {
  it("escapes each control character as JSON does", () => {
    for (const character of hostile) {
      const escaped = escapeControls(`a${character}b`);
      expect(escaped).to.match(/^a\\u[0-9a-f]{4}b$/);
      expect(JSON.parse(`"${escaped}"`)).to.equal(`a${character}b`);
    }
  });

  it("leaves other text as it is", () => {
    const text = 'größe "日本" 👩‍👩‍👧 \\u001b — é\u00a0';
    expect(escapeControls(text)).to.equal(text);
  });

  it("leaves the value of a line of JSON as it is", () => {
    const value = { reason: hostile.join("") };
    expect(JSON.parse(escapeControls(JSON.stringify(value)))).to.deep.equal(value);
  });
});

describe("An error with the text of a client", () => {
  const text = hostile.join("");
  const raw = new RegExp(`[${hostile.filter((character) => character !== "\n").join("")}]`, "u");

  it("has an escaped message and stack if its class is of this package", () => {
    const error = new GreenroomError("ERR_X", text);
    expect(error.message).to.equal(escapeControls(text));
    expect(error.stack).not.to.match(raw);
  });

  it("has an escaped stack whose message takes one line", () => {
    const error = new SyntaxError(`a\nforged: line\n    at forged${text}`);
    const [first, second] = stackOf(error)?.split("\n") ?? [];
    expect(first).to.equal(`SyntaxError: ${escapeControls(error.message)}`);
    expect(second).to.match(/^ {4}at .*escape-controls\.spec\.ts/);
    expect(stackOf(error)).not.to.match(raw);
    expect(stackOf({ toString: null })).to.equal(undefined);
  });

  it("reaches a warning only escaped", async () => {
    const { emitWarning } = process;
    const warnings: string[] = [];
    process.emitWarning = ((warning: string, { detail = "" }: { readonly detail?: string }) =>
      warnings.push(warning, detail)) as typeof process.emitWarning;
    try {
      createReporter(() => undefined)(new TypeError(text), { stage: "receive" });
    } finally {
      process.emitWarning = emitWarning;
    }
    expect(warnings[0]).to.equal(`receive: ${escapeControls(text)}`);
    expect(warnings[1]).to.contain(escapeControls(text)).and.not.match(raw);
  });

  it("keeps the line breaks of a text with several lines", () => {
    expect(escapeLines("one\ntwo\r\n\u001b")).to.equal("one\ntwo\\u000d\n\\u001b");
  });
});
