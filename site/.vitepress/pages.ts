// The pages of the site are Markdown files of the repository. This file maps their paths.
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { dirname, join, posix, relative } from "node:path";
import { fileURLToPath } from "node:url";

/** The folder of the repository. */
export const root = fileURLToPath(new URL("../..", import.meta.url));

/** The text of a file of the repository. */
export const read = (file: string): string => readFileSync(join(root, file), "utf8");

const renamed: Readonly<Record<string, string>> = {
  "site/home.md": "index.md",
  "README.md": "index.md",
  "docs/README.md": "documentation.md",
  "CHANGELOG.md": "changes.md",
  "CONTRIBUTING.md": "contributing.md",
  "SECURITY.md": "security.md",
};

/**
 * The path in the site of a Markdown file of the repository: `guides/sessions.md` for `docs/guides/sessions.md`,
 * and `bench/layers.md` for `bench/layers/README.md`. `undefined` if the file is not part of the site.
 */
export function sitePath(file: string): string | undefined {
  if (renamed[file] !== undefined) return renamed[file];
  if (!file.endsWith(".md")) return undefined;
  if (file.startsWith("docs/")) return file.slice("docs/".length).replace(/(^|\/)README\.md$/, "$1index.md");
  return /^(?:bench|examples)\/.*README\.md$/.test(file) ? file.replace("/README.md", ".md") : undefined;
}

const folders = ["docs", "bench", "examples", "site"];

/** Patterns of the Markdown files that the site omits. `README.md` gives way to `site/home.md`. */
export const omitted: string[] = [
  "README.md",
  ...readdirSync(root, { withFileTypes: true })
    .filter((entry) => entry.isDirectory() && !folders.includes(entry.name))
    .map(({ name }) => `${name}/**`),
];

/** The address of the repository, as `package.json` states it. */
export const repository: string | undefined = (() => {
  const { repository: stated } = JSON.parse(read("package.json"));
  const url: string | undefined = stated?.url ?? stated;
  return url?.replace(/^git\+/, "").replace(/\.git$/, "");
})();

/** The target of a link in the site. `undefined` if the link leads to a file that only the repository has. */
export interface Target {
  readonly href: string | undefined;
}

/**
 * Resolves a relative link of a file of the repository: to the page of the site, or else to the repository.
 *
 * @throws an error if the repository lacks the target.
 */
export function targetOf(file: string, link: string): Target {
  const [path = "", anchor] = link.split("#");
  const hash = anchor === undefined ? "" : `#${anchor}`;
  const target = posix.join(dirname(file), decodeURIComponent(path));
  if (target.startsWith("..") || !existsSync(join(root, target))) {
    throw new Error(`${file}: the link ${link} leads nowhere.`);
  }
  const page = sitePath(target);
  if (page !== undefined) return { href: `/${page}${hash}` };
  return { href: repository && `${repository}/blob/main/${target}${hash}` };
}

/** The path of a file within the repository, with slashes. */
export const repositoryPath = (file: string): string => relative(root, file).replaceAll("\\", "/");
