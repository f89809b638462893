// `npm run docs:reference` writes the generated parts of the tables in docs/reference.
import { readFileSync, writeFileSync } from "node:fs";
import { referenceTables } from "./reference-tables.ts";
import { updateTables } from "./update-table.ts";

for (const [page, tables] of Object.entries(await referenceTables())) {
  const file = new URL(`../../docs/reference/${page}`, import.meta.url);
  writeFileSync(file, updateTables(readFileSync(file, "utf8"), tables));
}
