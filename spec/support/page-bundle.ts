import { createServer, type Server } from "node:http";
import { fileURLToPath } from "node:url";
import { build } from "esbuild";

/**
 * A server of one page, which runs a program of `spec/client/pages` in its development form, and of a page `/elsewhere`
 * without a program.
 */
export async function pageServer(program: string): Promise<() => Server> {
  const script = await bundlePage(program);
  return () =>
    createServer(({ url }, response) => {
      response.setHeader("connection", "close");
      if (url === "/page.js") response.setHeader("content-type", "text/javascript").end(script);
      else if (url === "/favicon.ico") response.writeHead(404).end();
      else {
        const body = url === "/elsewhere" ? "" : '<div id="root"></div><script src="/page.js"></script>';
        response.setHeader("content-type", "text/html").end(`<!doctype html><title>Page</title>${body}`);
      }
    });
}

async function bundlePage(program: string): Promise<string> {
  const { outputFiles } = await build({
    entryPoints: [fileURLToPath(new URL(`../client/pages/${program}`, import.meta.url))],
    bundle: true,
    platform: "browser",
    format: "iife",
    target: "es2022",
    conditions: ["greenroom-source"],
    define: { "process.env.NODE_ENV": '"development"' },
    write: false,
  });
  return outputFiles[0]?.text ?? "";
}
