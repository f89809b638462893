// Reads the tables of contents of the documentation. The sidebar and the descriptions of pages come from them.
import { existsSync } from "node:fs";
import { join } from "node:path";
import type { DefaultTheme } from "vitepress";
import { read, root, targetOf } from "./pages.ts";

type Item = DefaultTheme.SidebarItem;

interface Row {
  /** The heading of the table: its own if its second column has none, else that of the section. */
  readonly group: string;
  readonly label: string;
  readonly links: readonly { readonly text: string; readonly href: string }[];
  readonly description: string;
}

/** The rows with links of all tables of a page. */
function rowsOf(file: string): Row[] {
  const rows: Row[] = [];
  let group = "";
  for (const line of read(file).split("\n")) {
    group = /^## (.*)/.exec(line)?.[1] ?? /^\| ([^|[]+) \| \|$/.exec(line)?.[1] ?? group;
    const [, label = "", description = ""] = /^\| (.*?) \| (.*) \|$/.exec(line) ?? [];
    const links = [
      ...`${label} ${label.includes("](") ? "" : description}`.matchAll(/\[(.*?)\]\((.*?)\)/g),
    ].map(([, text = "", link = ""]) => ({
      text: text.replaceAll("`", ""),
      href: targetOf(file, link).href ?? "",
    }));
    if (links.length > 0) rows.push({ group, label, links, description });
  }
  return rows;
}

const capitalised = (text: string) => text.charAt(0).toUpperCase() + text.slice(1);

function itemsOf(file: string, isCollapsed: (group: string) => boolean): Item[] {
  const groups = new Map<string, Item[]>();
  for (const { group, label, links } of rowsOf(file)) {
    const items = links.map(({ text, href }) => ({ text: capitalised(text), link: href }));
    const isList = !label.includes("](");
    const added = isList ? [{ text: label, collapsed: true, items }] : items;
    groups.set(group, [...(groups.get(group) ?? []), ...added]);
  }
  return [...groups].map(([group, items]) => ({
    text: capitalised(group.replace(/^guides: /, "")),
    collapsed: isCollapsed(group),
    items,
  }));
}

const api = "docs/api/typedoc-sidebar.json";

/** Whether `npm run docs:api` has written the reference of the interfaces. */
export const hasApi: boolean = existsSync(join(root, api));

/** The sidebars, by the path of the pages that show them. */
export function sidebars(): DefaultTheme.SidebarMulti {
  return {
    "/tutorial/": [
      {
        text: "Tutorial",
        link: "/tutorial/index.md",
        items: itemsOf("docs/tutorial/README.md", () => false)[0]?.items ?? [],
      },
    ],
    "/design/": [
      { text: "Design decisions", link: "/design/index.md" },
      ...itemsOf("docs/design/README.md", () => false),
    ],
    ...(hasApi && { "/api/": [{ text: "API", link: "/api/index.md", items: JSON.parse(read(api)) }] }),
    "/": itemsOf("docs/README.md", (group) => group !== "begin here"),
  };
}

/** The descriptions of pages in the tables, by path in the site, such as `guides/sessions.md`. */
export function descriptions(): ReadonlyMap<string, string> {
  const files = ["docs/README.md", "docs/tutorial/README.md", "docs/design/README.md"];
  const described = files.flatMap(rowsOf).filter(({ label }) => label.includes("]("));
  return new Map(
    described.map(({ links, description }) => [
      (links[0]?.href ?? "").slice(1),
      `${capitalised(description.replaceAll(/`|\[(.*?)\]\(.*?\)/g, "$1"))}.`,
    ]),
  );
}
