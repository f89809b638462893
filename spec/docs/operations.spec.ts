import { readFile } from "node:fs/promises";
import { fileURLToPath } from "node:url";
import { expect } from "chai";
import { parse } from "yaml";
import { alertRules } from "../metrics/support/operations.ts";
import { codeBlocks } from "../support/code-blocks.ts";
import { quotedIn, rowsOf } from "../support/markdown-table.ts";

const guides = fileURLToPath(new URL("../../docs/guides", import.meta.url));

describe("docs/guides/operations.md", () => {
  let page: string;
  before(async () => {
    page = await readFile(`${guides}/operations.md`, "utf8");
  });

  it("says what to do about every alert", async () => {
    const listed = rowsOf(page, "alert", "what to do").map(([name]) => quotedIn(name)[0]);
    expect(listed).to.deep.equal((await alertRules()).map(({ alert }) => alert));
  });

  it("probes paths that the server of the guide for deployment answers", async () => {
    const [block] = codeBlocks(page).filter(({ language }) => language === "yaml");
    const { spec } = parse(block?.code ?? "").spec.template;
    const [{ startupProbe, readinessProbe, livenessProbe, ports }] = spec.containers;
    const server = await readFile(`${guides}/deploy.md`, "utf8");
    for (const { httpGet } of [startupProbe, readinessProbe, livenessProbe]) {
      expect(server).to.contain(`request.url === "${httpGet.path}"`);
      expect(httpGet.port).to.equal(ports[0].containerPort);
    }
    expect(livenessProbe.httpGet.path).to.equal("/livez");
  });
});
