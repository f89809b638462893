import { readFile } from "node:fs/promises";
import { fileURLToPath } from "node:url";
import { expect } from "chai";
import type { ContractConnectOptions } from "greenroom/client";
import type { Contract } from "greenroom/contract";
import { type Limits, resolveLimits } from "../../runtime/limits.ts";
import type { Layers, RuntimeOptions } from "../../runtime/runtime-options.ts";
import { quotedIn, rowsOf } from "../support/markdown-table.ts";

const file = fileURLToPath(new URL("../../docs/reference/options.md", import.meta.url));

/** The compiler refuses this object if an option is missing. Add the option to the table of the page, too. */
const others: Record<Exclude<keyof RuntimeOptions<Layers>, keyof Limits>, true> = {
  layers: true,
  control: true,
  guards: true,
  onError: true,
  inspect: true,
  validateOutgoing: true,
  compression: true,
  clock: true,
  ownAsyncErrors: true,
};

const ofClient: Record<keyof ContractConnectOptions<Contract>, true> = {
  url: true,
  params: true,
  token: true,
  protocols: true,
  WebSocket: true,
  validate: true,
  maxQueue: true,
  maxQueueBytes: true,
};

describe("docs/reference/options.md", () => {
  let rows: { name: string | undefined; unit: string | undefined; meaning: string; standard: string }[];
  before(async () => {
    rows = rowsOf(await readFile(file, "utf8"), "option", "unit", "meaning", "default").map(
      ([name, unit, meaning = "", standard = ""]) => ({ name: quotedIn(name)[0], unit, meaning, standard }),
    );
  });

  it("lists every option of createRuntime once", () => {
    const options = [...Object.keys(others), ...Object.keys(resolveLimits({}))];
    expect(rows.map(({ name }) => name).sort()).to.deep.equal(options.sort());
    expect(rows.filter(({ meaning, standard }) => meaning === "" || standard === "")).to.deep.equal([]);
  });

  it("states the default of every limit", () => {
    const stated = rows
      .filter(({ unit }) => unit !== "")
      .map(({ name, standard }) => [name, Number(/^[\d,]+/.exec(standard)?.[0].replaceAll(",", ""))]);
    expect(Object.fromEntries(stated)).to.deep.equal(resolveLimits({}));
  });

  it("lists every option of the client once", async () => {
    const page = await readFile(file, "utf8");
    const section = page.slice(page.indexOf("\n## Options of the client\n"));
    const names = rowsOf(section, "option", "meaning", "default").flatMap(([name]) => quotedIn(name));
    expect(names.sort()).to.deep.equal(Object.keys(ofClient).sort());
  });
});
