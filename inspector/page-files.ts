import { readdirSync, readFileSync } from "node:fs";
import { extname } from "node:path";
import type { PlainAnswer } from "../runtime/http-response.ts";

const folder = new URL("page/", import.meta.url);

const types: Readonly<Record<string, string>> = {
  ".html": "text/html; charset=utf-8",
  ".css": "text/css; charset=utf-8",
  ".js": "text/javascript; charset=utf-8",
  ".svg": "image/svg+xml",
};

/** The page asks nobody but this server, runs nothing but its own files, and stands in no other page. */
const headers = {
  "Content-Security-Policy":
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
  "X-Content-Type-Options": "nosniff",
  "Referrer-Policy": "no-referrer",
  "Cache-Control": "no-cache",
};

/** The page, and the files that it loads from below its own path, by their names. */
export interface PageFiles {
  readonly page: PlainAnswer;
  readonly others: ReadonlyMap<string, PlainAnswer>;
}

/** Reads the page's files, to be served at `path`. */
export function readPageFiles(path: string): PageFiles {
  const names = readdirSync(folder, { encoding: "utf8", recursive: true }).filter(
    (name) => Object.hasOwn(types, extname(name)) && name !== "index.html",
  );
  const read = (name: string) => readFileSync(new URL(name, folder));
  // Relative to where the page is found: a proxy may have put something before its path.
  const index = String(read("index.html")).replaceAll("{{path}}", () =>
    path.slice(path.lastIndexOf("/") + 1),
  );
  return {
    page: answerWith(".html", Buffer.from(index)),
    others: new Map(names.map((name) => [name, answerWith(extname(name), read(name))])),
  };
}

function answerWith(extension: string, content: Buffer): PlainAnswer {
  return (request, response) => {
    if (request.method !== "GET" && request.method !== "HEAD") {
      response.writeHead(405, {
        ...headers,
        Allow: "GET, HEAD",
        "Content-Type": "text/plain; charset=utf-8",
      });
      response.end("This path is for GET\n");
      return;
    }
    response.writeHead(200, {
      ...headers,
      "Content-Type": types[extension],
      "Content-Length": content.length,
    });
    response.end(request.method === "HEAD" ? undefined : content);
  };
}
