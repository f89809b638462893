import type { BuildOptions } from "esbuild";

/** Bundles the page into `dist/page`. */
export const page: BuildOptions = {
  entryPoints: ["page/index.html", "page/page.css", "page/page.ts"],
  bundle: true,
  format: "esm",
  target: "es2022",
  loader: { ".html": "copy", ".svg": "copy" },
  sourcemap: true,
  outdir: "dist/page",
};
