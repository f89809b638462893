import { fileURLToPath } from "node:url";
import type { TypeDocOptions } from "typedoc";
import { entryPoints } from "./entry-points.ts";

const pathOf = (relative: string) => fileURLToPath(new URL(relative, import.meta.url));

/** How the pages in docs/api look. */
export const options: TypeDocOptions & Readonly<Record<string, unknown>> = {
  name: "API",
  entryPoints: entryPoints(),
  sortEntryPoints: false,
  tsconfig: pathOf("sources.json"),
  plugin: ["typedoc-plugin-markdown", "typedoc-vitepress-theme"].map((name) => import.meta.resolve(name)),
  out: pathOf("../../docs/api"),
  docsRoot: pathOf("../../docs"),
  sidebar: { pretty: true },
  disableSources: true,
  excludeExternals: true,
  sort: ["kind", "alphabetical"],
  groupOrder: ["Functions", "Classes", "Interfaces", "Type Aliases", "Variables"],
  useCodeBlocks: true,
  interfacePropertiesFormat: "table",
  indexFormat: "table",
  parametersFormat: "table",
  tableColumnSettings: { hideSources: true, hideModifiers: true, hideInherited: true, hideOverrides: true },
  sanitizeComments: true,
};
