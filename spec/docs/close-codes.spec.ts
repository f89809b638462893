import { readFile } from "node:fs/promises";
import { fileURLToPath } from "node:url";
import { expect } from "chai";
import { comesBack, type Return, refusalCode } from "../../protocol/close-codes.ts";
import { rowsOf } from "../support/markdown-table.ts";

const file = fileURLToPath(new URL("../../docs/reference/close-codes.md", import.meta.url));

const meanings: Readonly<Record<string, Return>> = {
  yes: "always",
  no: "never",
  "unless `bye` came before": "unless-bye",
};

/** The numbers of a cell, such as `408, 425` or `500 to 599`. */
function numbersIn(cell: string): number[] {
  const [, first, last] = /^(\d+) to (\d+)/.exec(cell) ?? [];
  if (first === undefined) return cell.split(", ").map(Number);
  return Array.from({ length: Number(last) - Number(first) + 1 }, (_, index) => Number(first) + index);
}

describe("docs/reference/close-codes.md", () => {
  let page: string;
  before(async () => {
    page = await readFile(file, "utf8");
  });

  it("says after which codes the client comes back", () => {
    const rows = rowsOf(page, "code", "reason", "sent by", "comes back");
    const stated = rows.flatMap(([codes = "", , , answer = ""]) =>
      answer in meanings ? numbersIn(codes).map((code) => [code, meanings[answer]]) : [],
    );
    expect(stated).to.have.length.above(1_000);
    expect(stated).to.deep.equal(stated.map(([code]) => [code, comesBack(Number(code))]));
  });

  it("says after which refusals the client comes back", () => {
    const stated = new Map<number, Return | undefined>();
    for (const [statuses = "", answer = ""] of rowsOf(page, "status", "comes back")) {
      for (const status of numbersIn(statuses)) {
        if (!stated.has(status)) stated.set(status, meanings[answer]);
      }
    }
    expect(stated.size).to.equal(300);
    expect([...stated]).to.deep.equal(
      [...stated.keys()].map((status) => [status, comesBack(refusalCode + status)]),
    );
  });
});
