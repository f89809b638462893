// `npm run sizes` measures the package, and writes the tables of docs/reference/sizes.md.
import { readFileSync, writeFileSync } from "node:fs";
import { measureSizes, pageWith } from "./sizes.ts";

const page = new URL("../../docs/reference/sizes.md", import.meta.url);
writeFileSync(page, pageWith(readFileSync(page, "utf8"), await measureSizes()));
