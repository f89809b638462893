import { createHash } from "node:crypto";
import { readdirSync, readFileSync, statSync } from "node:fs";
import type { IncomingMessage, ServerResponse } from "node:http";
import { extname } from "node:path";

const folder = new URL("public/", import.meta.url);

const types: Readonly<Record<string, string>> = {
  ".html": "text/html; charset=utf-8",
  ".css": "text/css; charset=utf-8",
  ".js": "text/javascript; charset=utf-8",
  ".svg": "image/svg+xml",
};

const headers = {
  "Content-Security-Policy":
    "default-src 'self'; connect-src 'self' ws: wss:; frame-ancestors 'none'; base-uri 'none'",
  "X-Content-Type-Options": "nosniff",
  "Referrer-Policy": "no-referrer",
  "Cache-Control": "no-cache",
};

/**
 * Reads the files of the page, by the path of their requests. Only these paths exist, so no request reaches
 * another file.
 */
export function readPageFiles(): ReadonlyMap<string, PageFile> {
  const names = readdirSync(folder).filter((name) => Object.hasOwn(types, extname(name)));
  const files = new Map(names.map((name) => [`/${name}`, new PageFile(name)]));
  const index = files.get("/index.html");
  return index === undefined ? files : files.set("/", index);
}

/**
 * A file that is served from memory. A stream from the disk would hold a file descriptor for each response
 * that a client does not read.
 */
export class PageFile {
  readonly #url: URL;
  readonly #type: string;
  #modifiedMs = Number.NaN;
  #content = Buffer.alloc(0);
  #etag = "";

  constructor(name: string) {
    this.#url = new URL(name, folder);
    this.#type = types[extname(name)] ?? "application/octet-stream";
    this.#read();
  }

  answer(request: IncomingMessage, response: ServerResponse): void {
    this.#refresh();
    if (request.headers["if-none-match"]?.includes(this.#etag)) {
      response.writeHead(304, { ...headers, ETag: this.#etag }).end();
      return;
    }
    response.writeHead(200, {
      ...headers,
      ETag: this.#etag,
      "Content-Type": this.#type,
      "Content-Length": this.#content.length,
    });
    response.end(this.#content); // Node omits the content in the response to HEAD.
  }

  /** Reads the file again if it has changed, so that a developer only has to reload the page. */
  #refresh(): void {
    try {
      if (statSync(this.#url).mtimeMs !== this.#modifiedMs) this.#read();
    } catch {
      // The file is being replaced, or no descriptor is free: the earlier content is still valid.
    }
  }

  #read(): void {
    // The time is kept last, so that a failed read is tried again.
    const modifiedMs = statSync(this.#url).mtimeMs;
    this.#content = readFileSync(this.#url);
    this.#etag = `"${createHash("sha256").update(this.#content).digest("base64url").slice(0, 22)}"`;
    this.#modifiedMs = modifiedMs;
  }
}
