import { extname } from "node:path";
import type { PlainAnswer } from "../runtime/http-response.ts";
import { pageContent } from "./page-content.ts";

const types: Readonly<Record<string, string>> = {
  ".html": "text/html; charset=utf-8",
  ".css": "text/css; charset=utf-8",
  ".js": "text/javascript; charset=utf-8",
  ".svg": "image/svg+xml",
};

/** The page may load files and run scripts only from this server. Other pages cannot show it in a frame. */
const headers = {
  "Content-Security-Policy":
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
  "X-Content-Type-Options": "nosniff",
  "Referrer-Policy": "no-referrer",
  "Cache-Control": "no-cache",
};

/** The page and its assets. The page is served at `path`, and the assets are served below `path`. */
export function pageFiles(path: string): {
  readonly page: PlainAnswer;
  readonly assets: ReadonlyMap<string, PlainAnswer>;
} {
  const { "index.html": index = "", ...assets } = pageContent;
  // The URLs in the page are relative to the page's address, because a proxy may add a prefix to the path.
  const base = path.slice(path.lastIndexOf("/") + 1);
  return {
    page: answerWith(
      ".html",
      index.replaceAll("{{path}}", () => base),
    ),
    assets: new Map(Object.entries(assets).map(([name, text]) => [name, answerWith(extname(name), text)])),
  };
}

function answerWith(extension: string, text: string): PlainAnswer {
  const content = Buffer.from(text);
  return (request, response) => {
    if (request.method !== "GET" && request.method !== "HEAD") {
      const contentType = "text/plain; charset=utf-8";
      response.writeHead(405, { ...headers, Allow: "GET, HEAD", "Content-Type": contentType });
      response.end("Method not allowed: use GET\n");
      return;
    }
    const type = types[extension];
    response.writeHead(200, { ...headers, "Content-Type": type, "Content-Length": content.length });
    response.end(request.method === "HEAD" ? undefined : content);
  };
}
