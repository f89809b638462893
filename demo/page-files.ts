import { createHash } from "node:crypto";
import { readdirSync, readFileSync, statSync } from "node:fs";
import type { IncomingMessage, ServerResponse } from "node:http";
import { extname } from "node:path";
import { createPageModules } from "./page-modules.ts";

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
export function readPageFiles(): ReadonlyMap<string, PageAsset> {
  const names = readdirSync(folder).filter((name) => Object.hasOwn(types, extname(name)));
  const files = new Map<string, PageAsset>(names.map((name) => [`/${name}`, new PageFile(name)]));
  for (const [path, text] of createPageModules()) files.set(path, new PageAsset(".js", Buffer.from(text)));
  const index = files.get("/index.html");
  return index === undefined ? files : files.set("/", index);
}

/**
 * A part of the page that is served from memory. A stream from the disk would hold a file descriptor for each
 * response that a client does not read.
 */
export class PageAsset {
  readonly #type: string;
  #content: Buffer;
  #etag: string;

  constructor(extension: string, content: Buffer) {
    this.#type = types[extension] ?? "application/octet-stream";
    this.#content = content;
    this.#etag = etagOf(content);
  }

  /** Replaces the content. */
  protected set content(content: Buffer) {
    this.#content = content;
    this.#etag = etagOf(content);
  }

  answer(request: IncomingMessage, response: ServerResponse): void {
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
}

/** A file that is read again if it has changed, so that a developer only has to reload the page. */
export class PageFile extends PageAsset {
  readonly #url: URL;
  #modifiedMs = Number.NaN;

  constructor(name: string) {
    super(extname(name), Buffer.alloc(0));
    this.#url = new URL(name, folder);
    this.#read();
  }

  override answer(request: IncomingMessage, response: ServerResponse): void {
    try {
      if (statSync(this.#url).mtimeMs !== this.#modifiedMs) this.#read();
    } catch {
      // The file is being replaced, or no descriptor is free: the earlier content is still valid.
    }
    super.answer(request, response);
  }

  #read(): void {
    // The time is kept last, so that a failed read is tried again.
    const modifiedMs = statSync(this.#url).mtimeMs;
    this.content = readFileSync(this.#url);
    this.#modifiedMs = modifiedMs;
  }
}

const etagOf = (content: Buffer) =>
  `"${createHash("sha256").update(content).digest("base64url").slice(0, 22)}"`;
