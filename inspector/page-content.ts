import { readdirSync, readFileSync } from "node:fs";
import { extname } from "node:path";

const folder = new URL("page/", import.meta.url);

/** The extensions of the page's files. */
const extensions: readonly string[] = [".html", ".css", ".js", ".svg"];

/**
 * The text of each of the page's files, by its path in `page/`. The build replaces this file by one that
 * contains the texts, so that the page works from a bundle, too.
 */
export const pageContent: Readonly<Record<string, string>> = Object.fromEntries(
  readdirSync(folder, { encoding: "utf8", recursive: true })
    .filter((name) => extensions.includes(extname(name)))
    .map((name) => [name.replaceAll("\\", "/"), readFileSync(new URL(name, folder), "utf8")]),
);
