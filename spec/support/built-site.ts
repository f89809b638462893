import { readdirSync } from "node:fs";
import { readFile } from "node:fs/promises";
import { createServer } from "node:http";
import { extname, join } from "node:path";
import { fileURLToPath } from "node:url";

const folder = fileURLToPath(new URL("../../site/dist", import.meta.url));

export const readSitePage = (path: string): Promise<string> => readFile(join(folder, path), "utf8");

const types: Readonly<Record<string, string>> = {
  ".html": "text/html; charset=utf-8",
  ".css": "text/css; charset=utf-8",
  ".js": "text/javascript; charset=utf-8",
  ".svg": "image/svg+xml",
  ".png": "image/png",
};

/** The files that `npm run site:build` has written, by the path of their requests. */
const files = (): string[] =>
  readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((file) => file.isFile())
    .map((file) => join(file.parentPath, file.name).slice(folder.length).replaceAll("\\", "/"));

/** The paths of the pages of the site, such as `/guides/sessions.html`. */
export const sitePages = (): string[] =>
  files().filter((name) => name.endsWith(".html") && name !== "/404.html");

/** A server for the built site. It does nothing more than any server for files does. */
export function createSiteServer() {
  const known = new Set(files());
  return createServer((request, response) => {
    const { pathname } = new URL(request.url ?? "/", "http://localhost");
    const name = decodeURIComponent(pathname.endsWith("/") ? `${pathname}index.html` : pathname);
    if (!known.has(name)) {
      response.writeHead(404).end();
      return;
    }
    readFile(join(folder, name)).then(
      (content) => response.writeHead(200, { "Content-Type": types[extname(name)] ?? "" }).end(content),
      () => response.writeHead(500).end(),
    );
  });
}
