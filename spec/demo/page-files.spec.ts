import { mkdirSync, mkdtempSync, rmSync, utimesSync, writeFileSync } from "node:fs";
import type { IncomingMessage, ServerResponse } from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { expect } from "chai";
import { PageFile } from "../../demo/page-files.ts";

describe("PageFile", () => {
  let folder: string;
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), "page-files-"));
  });
  afterEach(() => rmSync(folder, { recursive: true }));

  function served(file: PageFile): string {
    let content = "";
    const response = { writeHead: () => response, end: (body: Buffer) => (content = String(body)) };
    file.answer({ headers: {} } as IncomingMessage, response as unknown as ServerResponse);
    return content;
  }

  // The page stayed the same until the next change after one failed read, as without a free descriptor.
  it("serves the earlier content while the file cannot be read, and then the new content", () => {
    const path = join(folder, "page.js");
    writeFileSync(path, "one");
    const file = new PageFile(pathToFileURL(path).href);
    expect(served(file)).to.equal("one");
    const later = new Date(Date.now() + 60_000);
    rmSync(path);
    mkdirSync(path); // This has a time, but cannot be read.
    utimesSync(path, later, later);
    expect(served(file)).to.equal("one");
    rmSync(path, { recursive: true });
    writeFileSync(path, "two");
    utimesSync(path, later, later);
    expect(served(file)).to.equal("two");
  });
});
