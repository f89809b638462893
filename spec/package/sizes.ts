// The sizes of the package. `npm run sizes` writes them into docs/reference/sizes.md.
import { readdirSync, readFileSync, statSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { gzipSync } from "node:zlib";
import { build } from "esbuild";
import { run } from "../support/child-process.ts";
import { builtPackage, projectWithPackage } from "../support/installed-package.ts";
import { rowsOf } from "../support/markdown-table.ts";

const root = fileURLToPath(new URL("../..", import.meta.url));
const page = join(root, "docs/reference/sizes.md");

/** The figures of an entry point or of the installation, by the heading of their column. */
export type Sizes = Readonly<Record<string, number>>;

/** The sizes by the first cell of their row: the name of an entry point, or a part of the installation. */
export type SizeTable = Readonly<Record<string, Sizes>>;

/** The headings of both tables of the page. */
const tables = [
  ["entry point", "minified", "gzipped"],
  ["installed", "packages", "files", "bytes"],
] as const;

const browserEntries = ["./contract", "./client", "./client/react"];

/** Measures the package as it is built now, with the versions of other packages in package-lock.json. */
export async function measureSizes(): Promise<readonly [entries: SizeTable, installed: SizeTable]> {
  return [await measureEntryPoints(), await measureInstallation()];
}

async function measureEntryPoints(): Promise<SizeTable> {
  const { exports, peerDependencies } = JSON.parse(readFileSync(join(root, "package.json"), "utf8")) as {
    readonly exports: Readonly<Record<string, unknown>>;
    readonly peerDependencies: Readonly<Record<string, string>>;
  };
  const project = await projectWithPackage();
  const sizes: Record<string, Sizes> = {};
  for (const entry of Object.keys(exports).filter((name) => name !== "./package.json")) {
    const name = entry.replace(".", "greenroom");
    const { outputFiles } = await build({
      stdin: { contents: `export * from "${name}";`, resolveDir: project.folder },
      bundle: true,
      minify: true,
      format: "esm",
      platform: browserEntries.includes(entry) ? "browser" : "node",
      external: Object.keys(peerDependencies),
      write: false,
    });
    const bytes = outputFiles[0]?.contents ?? new Uint8Array();
    sizes[`\`${name}\``] = { minified: bytes.length, gzipped: gzipSync(bytes, { level: 9 }).length };
  }
  return sizes;
}

async function measureInstallation(): Promise<SizeTable> {
  const pack = ["pack", "--dry-run", "--json", "--ignore-scripts"];
  const { stdout } = await run("npm", pack, { cwd: await builtPackage(), maxBuffer: 10_000_000 });
  const [{ files, unpackedSize }] = JSON.parse(stdout);
  const others = dependencies().map(filesBelow);
  const sum = (numbers: readonly number[]) => numbers.reduce((total, number) => total + number, 0);
  return {
    "`greenroom`": { packages: 1, files: files.length, bytes: unpackedSize },
    "with its dependencies": {
      packages: 1 + others.length,
      files: files.length + sum(others.map(({ length }) => length)),
      bytes: unpackedSize + sum(others.flat()),
    },
  };
}

/** The folders of the packages that an installation contains, without optional peer dependencies. */
function dependencies(): string[] {
  const { packages } = JSON.parse(readFileSync(join(root, "package-lock.json"), "utf8")) as {
    readonly packages: Readonly<Record<string, Readonly<Record<string, unknown>>>>;
  };
  const isInstalled = ([path, entry]: [string, Readonly<Record<string, unknown>>]) =>
    path !== "" && !["dev", "devOptional", "peer", "optional"].some((mark) => entry[mark]);
  return Object.entries(packages)
    .filter(isInstalled)
    .map(([path]) => join(root, path));
}

/** The sizes of all files in a folder. */
function filesBelow(folder: string): number[] {
  return readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map(({ parentPath, name }) => statSync(join(parentPath, name)).size);
}

/** The sizes that the page promises. */
export function promisedSizes(): SizeTable[] {
  const text = readFileSync(page, "utf8");
  return tables.map(([first, ...columns]) =>
    Object.fromEntries(
      rowsOf(text, first, ...columns).map(([name = "", ...cells]) => [
        name,
        Object.fromEntries(columns.map((column, index) => [column, toNumber(cells[index])])),
      ]),
    ),
  );
}

const toNumber = (cell = "") => Number(cell.replaceAll(",", ""));

/** The page with both of its tables replaced. */
export function pageWith(text: string, measured: readonly SizeTable[]): string {
  return tables.reduce((page, [first, ...columns], index) => {
    const rows = Object.entries(measured[index] ?? {}).map(([name, sizes]) => {
      const cells = columns.map((column) => (sizes[column] ?? 0).toLocaleString("en"));
      return `| ${[name, ...cells].join(" | ")} |\n`;
    });
    const head = `| ${[first, ...columns].join(" | ")} |\n|---|${"--:|".repeat(columns.length)}\n`;
    return page.replace(new RegExp(`^\\| ${first} \\|.*\\n(?:\\|.*\\n)+`, "m"), () => head + rows.join(""));
  }, text);
}

/** The part of a promise by which a size may differ from it. */
const slack = 0.03;
/** The bytes by which any size may differ. */
const smallest = 50;

/** A line for each size that differs from its promise by more than the slack, and for each that one side lacks. */
export function differences(promised: SizeTable, measured: SizeTable): string[] {
  const names = new Set([...Object.keys(promised), ...Object.keys(measured)]);
  return [...names].flatMap((name) => {
    const columns = Object.keys({ ...promised[name], ...measured[name] });
    return columns.flatMap((column) => {
      const [before, now] = [promised[name]?.[column], measured[name]?.[column]];
      if (before === undefined || now === undefined)
        return [`${name}: ${column} is ${now}, promised is ${before}`];
      const allowed = column === "packages" ? 0 : Math.max(before * slack, column === "files" ? 0 : smallest);
      if (Math.abs(now - before) <= allowed) return [];
      const percent = (((now - before) / before) * 100).toFixed(1);
      return [`${name}: ${column} is ${now} instead of ${before}: ${now > before ? "+" : ""}${percent} %`];
    });
  });
}
