import { readdir, readFile, stat } from "node:fs/promises";
import { dirname, join, relative, resolve } from "node:path";
import { fileURLToPath } from "node:url";
import { expect } from "chai";

const root = fileURLToPath(new URL("../..", import.meta.url));

/** All Markdown files in these folders and below, but for what was installed there. */
async function pagesIn(...folders: readonly string[]): Promise<string[]> {
  const found = await Promise.all(
    folders.map((folder) => readdir(join(root, folder), { recursive: true, withFileTypes: true })),
  );
  return found
    .flat()
    .filter((file) => file.name.endsWith(".md") && !/node_modules|docs[\\/]api/.test(file.parentPath))
    .map((file) => join(file.parentPath, file.name));
}

const withoutCode = (text: string) => text.replace(/^```.*?^```/gms, "");

/** The anchors of a page's headings, as GitHub makes them: the second of the same name ends with `-1`. */
function anchorsOf(text: string): Set<string> {
  const anchors = new Set<string>();
  for (const [, heading = ""] of withoutCode(text).matchAll(/^#+ (.*)$/gm)) {
    const slug = heading
      .replace(/\[(.*?)\]\(.*?\)/g, "$1")
      .toLowerCase()
      .replace(/[^\p{L}\p{N}\- _]/gu, "")
      .replaceAll(" ", "-");
    let anchor = slug;
    for (let count = 1; anchors.has(anchor); count += 1) anchor = `${slug}-${count}`;
    anchors.add(anchor);
  }
  return anchors;
}

/** Why a link of a page leads nowhere, if it does. */
async function faultOf(page: string, link: string): Promise<string | undefined> {
  const [path = "", anchor] = link.split("#");
  const target = path === "" ? page : resolve(dirname(page), decodeURIComponent(path));
  const found = await stat(target).catch(() => undefined);
  if (found === undefined) return "there is no such file";
  if (relative(root, target).startsWith("..")) return "it leads out of the repository";
  if (anchor === undefined) return undefined;
  return anchorsOf(await readFile(target, "utf8")).has(anchor) ? undefined : "there is no such heading";
}

describe("the links of the documentation", () => {
  it("lead somewhere, those within the repository", async () => {
    const ofRoot = ["README.md", "CHANGELOG.md", "CONTRIBUTING.md", "SECURITY.md"];
    const pages = [
      ...ofRoot.map((name) => join(root, name)),
      ...(await pagesIn("docs", "bench", "examples")),
    ];
    const broken: string[] = [];
    let count = 0;
    for (const page of pages) {
      const text = withoutCode(await readFile(page, "utf8"));
      for (const [, link = ""] of text.matchAll(/\]\(([^()\s]+)\)/g)) {
        if (/^[a-z]+:/.test(link)) continue;
        count += 1;
        const fault = await faultOf(page, link);
        if (fault !== undefined) broken.push(`${relative(root, page)}: ${link}: ${fault}`);
      }
    }
    expect(broken).to.deep.equal([]);
    expect(count).to.be.above(50);
  });

  it("reach every page of the documentation from its table of contents, or from that of its folder", async () => {
    const linksOf = async (page: string) => {
      const text = await readFile(join(root, "docs", page), "utf8");
      return [...text.matchAll(/\]\(([^()#\s]+)/g)].map(([, link = ""]) => join(dirname(page), link));
    };
    const files = await readdir(join(root, "docs"), { recursive: true });
    // `npm run docs:api` writes these pages, and checks their links.
    const isGenerated = (name: string) => /^api[\\/]/.test(name);
    const contents = await linksOf("README.md");
    const inFolders = await Promise.all(contents.filter((page) => page.endsWith("/README.md")).map(linksOf));
    const reached = new Set([...contents, ...inFolders.flat()]);
    const pages = files.filter((name) => name.endsWith(".md") && name !== "README.md" && !isGenerated(name));
    expect(pages.filter((name) => !reached.has(name))).to.deep.equal([]);
  });
});
