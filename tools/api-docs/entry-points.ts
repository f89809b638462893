import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";

interface Manifest {
  readonly exports: Readonly<Record<string, string | { readonly "greenroom-source": string }>>;
}

/** The paths of the source files of the entry points in `package.json`. */
export function entryPoints(): string[] {
  const root = new URL("../../", import.meta.url);
  const { exports } = JSON.parse(readFileSync(new URL("package.json", root), "utf8")) as Manifest;
  return Object.values(exports).flatMap((entry) =>
    typeof entry === "string" ? [] : [fileURLToPath(new URL(entry["greenroom-source"], root))],
  );
}
