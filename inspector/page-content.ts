import { readdirSync, readFileSync } from "node:fs";
import { extname } from "node:path";
import { fileURLToPath } from "node:url";
import { buildSync } from "esbuild";

const folder = new URL("page/", import.meta.url);

/** The extensions of the page's files. */
const extensions: readonly string[] = [".html", ".css", ".js", ".svg"];

/** The client as one module for browsers. */
function bundleClient(): string {
  const { outputFiles } = buildSync({
    entryPoints: [fileURLToPath(new URL("../client/index.ts", import.meta.url))],
    bundle: true,
    format: "esm",
    target: "es2022",
    minify: true,
    define: { "process.env.NODE_ENV": '"production"' },
    write: false,
  });
  return outputFiles[0]?.text ?? "";
}

/**
 * The text of each of the page's files, by its path in `page/`, and the client in `client.js`. The build replaces
 * this file by one that contains the texts, so that the page works from a bundle, and without esbuild.
 */
export const pageContent: Readonly<Record<string, string>> = {
  ...Object.fromEntries(
    readdirSync(folder, { encoding: "utf8", recursive: true })
      .filter((name) => extensions.includes(extname(name)))
      .map((name) => [name.replaceAll("\\", "/"), readFileSync(new URL(name, folder), "utf8")]),
  ),
  "client.js": bundleClient(),
};
