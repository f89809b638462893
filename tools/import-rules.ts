// `npm run import-rules` writes tools/import-rules.json, which biome.json extends, from the tables below.
import { writeFileSync } from "node:fs";
import { posix } from "node:path";

/** Each source folder and the other folders that its files may import. All other imports are forbidden. */
export const mayImport: Readonly<Record<string, readonly string[]>> = {
  layers: ["layers/wire", "layers/delivery", "layers/jobs", "layers/memory", "layers/scheduling"],
  "layers/scheduling": ["layers"],
  "layers/wire": ["layers"],
  "layers/delivery": ["layers", "layers/scheduling", "layers/wire"],
  "layers/jobs": ["layers", "layers/wire"],
  "layers/memory": ["layers", "layers/wire", "layers/jobs"],
  "layers/redis": [
    "layers",
    "layers/wire",
    "layers/redis/jobs",
    "layers/redis/connection",
    "layers/redis/sharding",
    "layers/redis/pubsub",
    "layers/redis/state",
    "layers/redis/streams",
  ],
  "layers/redis/connection": ["layers"],
  "layers/redis/pubsub": ["layers", "layers/redis/connection"],
  "layers/redis/streams": [
    "layers",
    "layers/wire",
    "layers/redis/connection",
    "layers/redis/pubsub",
    "layers/redis/jobs",
    "layers/redis/state",
  ],
  "layers/redis/state": ["layers", "layers/redis/connection", "layers/redis/pubsub", "layers/redis/jobs"],
  "layers/redis/jobs": ["layers", "layers/jobs", "layers/redis/connection"],
  "layers/redis/sharding": ["layers", "layers/redis/connection"],
  "layers/testing": ["layers", "layers/memory", "layers/testing/suite"],
  "layers/testing/suite": ["layers", "layers/testing"],
  protocol: [],
  contract: [],
  client: ["contract", "protocol"],
  "client/react": ["client", "contract"],
  actors: ["contract", "layers", "protocol", "actors/contract", "actors/machine", "actors/snapshot"],
  "actors/machine": ["actors", "actors/contract", "actors/snapshot", "contract", "layers"],
  "actors/contract": ["actors", "contract", "layers"],
  "actors/snapshot": ["actors", "layers"],
  diagrams: [],
  named: [
    "actors",
    "actors/contract",
    "actors/machine",
    "actors/snapshot",
    "contract",
    "layers",
    "layers/scheduling",
    "named/machine",
    "named/owner",
  ],
  "named/owner": ["actors", "layers", "layers/scheduling", "named", "named/machine"],
  "named/machine": ["actors/snapshot", "layers"],
  runtime: [
    "actors",
    "actors/contract",
    "contract",
    "layers",
    "named",
    "runtime/actor",
    "runtime/cluster",
    "runtime/events",
    "runtime/limits",
    "runtime/mailbox",
    "runtime/scheduler",
    "runtime/session",
    "runtime/guards",
    "runtime/routes",
    "runtime/server",
    "runtime/sign-in",
    "runtime/socket",
    "runtime/upgrade",
  ],
  "runtime/events": ["actors", "layers", "named", "runtime", "runtime/limits"],
  "runtime/limits": ["actors", "layers", "runtime"],
  "runtime/session": [
    "actors",
    "layers",
    "layers/scheduling",
    "protocol",
    "runtime",
    "runtime/limits",
    "runtime/sign-in",
    "runtime/socket",
  ],
  "runtime/sign-in": ["actors", "layers", "protocol", "runtime", "runtime/limits", "runtime/socket"],
  "runtime/scheduler": ["layers", "layers/scheduling"],
  "runtime/mailbox": ["actors", "layers", "layers/scheduling", "runtime", "runtime/scheduler"],
  "runtime/socket": [
    "actors",
    "layers",
    "layers/scheduling",
    "runtime",
    "runtime/limits",
    "runtime/scheduler",
  ],
  "runtime/cluster": [
    "actors",
    "layers",
    "runtime",
    "runtime/events",
    "runtime/limits",
    "runtime/mailbox",
    "runtime/socket",
    "runtime/presence",
  ],
  "runtime/presence": ["layers", "runtime", "runtime/limits"],
  "runtime/actor": [
    "actors",
    "actors/snapshot",
    "layers",
    "layers/scheduling",
    "runtime",
    "runtime/cluster",
    "runtime/limits",
    "runtime/mailbox",
    "runtime/presence",
    "runtime/scheduler",
    "runtime/session",
    "runtime/sign-in",
    "runtime/socket",
  ],
  "runtime/guards": ["actors", "layers", "runtime", "runtime/sign-in"],
  "runtime/routes": [
    "actors",
    "actors/contract",
    "contract",
    "layers",
    "runtime",
    "runtime/actor",
    "runtime/guards",
  ],
  "runtime/upgrade": [
    "actors",
    "layers",
    "layers/scheduling",
    "protocol",
    "runtime",
    "runtime/actor",
    "runtime/events",
    "runtime/guards",
    "runtime/limits",
    "runtime/routes",
    "runtime/scheduler",
    "runtime/session",
    "runtime/sign-in",
    "runtime/socket",
  ],
  "runtime/server": [
    "layers",
    "layers/scheduling",
    "runtime",
    "runtime/guards",
    "runtime/routes",
    "runtime/scheduler",
    "runtime/upgrade",
  ],
  "runtime/testing": [
    "actors",
    "layers",
    "protocol",
    "runtime",
    "runtime/actor",
    "runtime/guards",
    "runtime/routes",
    "runtime/session",
    "runtime/socket",
    "runtime/upgrade",
  ],
  inspector: [
    "diagrams",
    "actors",
    "layers",
    "named",
    "runtime",
    "runtime/guards",
    "runtime/upgrade",
    "inspector/activity",
    "inspector/view",
  ],
  "inspector/activity": ["actors", "diagrams", "layers", "runtime", "runtime/mailbox", "inspector"],
  "inspector/view": [
    "actors",
    "diagrams",
    "layers",
    "named",
    "runtime",
    "runtime/routes",
    "inspector",
    "inspector/activity",
  ],
  "inspector/page": ["client"],
  asyncapi: ["actors", "contract", "diagrams", "layers", "runtime", "runtime/guards"],
  metrics: ["layers", "named", "runtime"],
  tracing: ["actors", "layers", "runtime", "runtime/cluster", "runtime/mailbox", "runtime/routes"],
  vite: [],
  cli: ["actors", "asyncapi", "cli/init", "diagrams"],
  "cli/init": ["cli"],
};

/** The folders that may import each package; their subfolders may, too. Other packages are unrestricted. */
const packages: Readonly<Record<string, readonly string[]>> = {
  ioredis: ["layers/redis"],
  msgpackr: ["layers/wire"],
  ws: ["runtime"],
  react: ["client/react"],
  cookie: ["runtime/testing", "runtime/upgrade"],
  "path-to-regexp": ["runtime/routes"],
  "proxy-addr": ["runtime/limits"],
  xstate: ["actors", "asyncapi", "diagrams", "inspector", "named", "runtime"],
  "prom-client": ["metrics"],
  vite: ["vite"],
  "@hpcc-js/wasm-graphviz": ["diagrams", "inspector"],
  "@opentelemetry/*": ["tracing"],
  "node:*": ["actors", "asyncapi", "cli", "inspector", "layers", "metrics", "named", "runtime"],
};

/** Folders whose files may import Greenroom only through its entry points, as users do. */
export const entryPointsOnly: readonly string[] = ["demo", "cli/init/template"];

interface Pattern {
  readonly group: readonly string[];
  readonly message: string;
}

/**
 * The content of tools/import-rules.json.
 *
 * @throws {Error} if sibling folders may import each other in a cycle.
 */
export function importRules(): { readonly overrides: readonly object[] } {
  const folders = Object.keys(mayImport);
  refuseCycles(mayImport);
  const roots = folders.filter((folder) => !folder.includes("/"));
  return {
    overrides: [
      ...folders.map((folder) =>
        override(`${folder}/*.ts`, [folderPattern(folder), packagePattern(folder), selfImport]),
      ),
      ...entryPointsOnly.map((folder) =>
        override(`${folder}/**`, [entryPointPattern(folder, roots), packagePattern(folder)]),
      ),
    ],
  };
}

function override(includes: string, patterns: readonly Pattern[]): object {
  const noRestrictedImports = { level: "error", options: { patterns } };
  return { includes: [includes], linter: { rules: { style: { noRestrictedImports } } } };
}

function folderPattern(folder: string): Pattern {
  const allowed = mayImport[folder] ?? [];
  const forbidden = Object.keys(mayImport).filter((other) => other !== folder && !allowed.includes(other));
  return {
    group: [...forbidden, ...entryPointsOnly].map((other) => relative(folder, other)),
    message: `${folder}/ may import ${allowed.join(", ") || "no other folder"}: see tools/import-rules.ts.`,
  };
}

function packagePattern(folder: string): Pattern {
  const isIn = (allowed: string) => folder === allowed || folder.startsWith(`${allowed}/`);
  const forbidden = Object.keys(packages).filter((name) => !packages[name]?.some(isIn));
  const own =
    folder === "demo" ? forbidden.filter((name) => name !== "node:*" && name !== "xstate") : forbidden;
  return {
    group: own.flatMap((name) => (name.endsWith("*") ? [name] : [name, `${name}/*`])),
    message: `This folder may not import this package: see tools/import-rules.ts.`,
  };
}

const selfImport: Pattern = {
  group: ["greenroom", "greenroom/*"],
  message: "Inside the package, import the file instead of the entry point.",
};

function entryPointPattern(folder: string, roots: readonly string[]): Pattern {
  return {
    group: [...roots.map((root) => `../**/${root}/**`), "../index.ts", "../../index.ts"],
    message: `${folder}/ may import only greenroom and its entry points, as users do.`,
  };
}

function relative(from: string, to: string): string {
  const path = posix.relative(from, to);
  return `${path.startsWith(".") ? path : `./${path}`}/*`;
}

/** @throws {Error} if sibling folders may import each other in a cycle. */
export function refuseCycles(table: typeof mayImport): void {
  const folders = Object.keys(table);
  for (const parent of new Set(folders.map((folder) => posix.dirname(folder)))) {
    const below = (folder: string) => siblingOf(folder, parent);
    const edges = new Map<string, Set<string>>();
    for (const folder of folders) {
      const from = below(folder);
      if (from === undefined) continue;
      const to = edges.get(from) ?? new Set();
      edges.set(from, to);
      for (const allowed of table[folder] ?? []) {
        const target = below(allowed);
        if (target !== undefined && target !== from) to.add(target);
      }
    }
    for (const start of edges.keys()) walk(start, start, edges, new Set());
  }
}

/** The child of `parent` that is `folder` or contains it; undefined if `folder` is not below `parent`. */
function siblingOf(folder: string, parent: string): string | undefined {
  if (parent === ".") return folder.split("/")[0];
  if (!folder.startsWith(`${parent}/`)) return undefined;
  return `${parent}/${folder.slice(parent.length + 1).split("/")[0]}`;
}

function walk(
  at: string,
  start: string,
  edges: ReadonlyMap<string, ReadonlySet<string>>,
  seen: Set<string>,
): void {
  for (const next of edges.get(at) ?? []) {
    if (next === start)
      throw new Error(`${start} and ${at} may import each other: allow only one direction.`);
    if (seen.has(next)) continue;
    seen.add(next);
    walk(next, start, edges, seen);
  }
}

if (import.meta.filename === process.argv[1]) {
  const lines = importRules().overrides.map((rule) => JSON.stringify(rule));
  writeFileSync(new URL("import-rules.json", import.meta.url), `{"overrides":[\n${lines.join(",\n")}\n]}\n`);
}
