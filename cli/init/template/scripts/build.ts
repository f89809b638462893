// `npm run build` writes the page and the server into dist/.
import { build } from "esbuild";
import { page } from "./page.ts";

await build({ ...page, minify: true });
await build({
  entryPoints: ["server.ts"],
  bundle: true,
  packages: "external",
  platform: "node",
  format: "esm",
  target: "node20",
  sourcemap: true,
  outdir: "dist",
});
