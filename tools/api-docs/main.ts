// `npm run docs:api` writes the pages of the API to docs/api, which Git ignores. It prints the faults of docstrings, which
// `npm run test:api-docs` refuses.
import { rmSync } from "node:fs";
import { options } from "./options.ts";
import { readApi } from "./read-api.ts";

const { problems, write } = await readApi(options);
rmSync(String(options.out), { recursive: true, force: true });
await write();
for (const problem of problems) process.stderr.write(`${problem}\n`);
