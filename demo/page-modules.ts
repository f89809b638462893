import { fileURLToPath } from "node:url";
import { buildSync } from "esbuild";
import { lot } from "./contracts/lot.ts";
import { talk } from "./contracts/talk.ts";

/** The modules of the page that are made when the demo starts, by the path of their requests. */
export function createPageModules(): ReadonlyMap<string, string> {
  return new Map([
    ["/greenroom-client.js", bundleClient()],
    ["/talk-contract.js", `export const talk = ${JSON.stringify(withoutSchemas(talk))};\n`],
    ["/lot-contract.js", `export const lot = ${JSON.stringify(withoutSchemas(lot))};\n`],
  ]);
}

/** The client as one module for browsers. */
function bundleClient(): string {
  const { outputFiles } = buildSync({
    entryPoints: ["greenroom/client"],
    absWorkingDir: fileURLToPath(new URL("..", import.meta.url)),
    conditions: ["greenroom-source"],
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
 * The path and the names of the frames, which a client needs if it does not validate what the server sends. A page
 * with the schemas also loads zod, which makes the modules 45 times as large: 467 KB instead of 10 KB.
 */
function withoutSchemas({ path, client, server }: typeof talk | typeof lot): object {
  const names = (frames: object) => Object.fromEntries(Object.keys(frames).map((name) => [name, {}]));
  return { path, client: names(client), server: names(server) };
}
