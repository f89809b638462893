import { readFile, writeFile } from "node:fs/promises";
import { expect } from "chai";
import { toDot, toMermaid, toStately, toSvg } from "greenroom/visualise";
import { machines } from "./machines.ts";

// golden/ has the expected output of each machine and format. WRITE_GOLDEN=1 rewrites it: review the diff.
const formats = {
  mmd: toMermaid,
  dot: toDot,
  svg: toSvg,
  json: (machine: Parameters<typeof toStately>[0]) => `${JSON.stringify(toStately(machine), undefined, 2)}\n`,
};

for (const [extension, write] of Object.entries(formats)) {
  describe(`The .${extension} output of a machine`, () => {
    for (const [name, machine] of Object.entries(machines)) {
      it(`matches its golden file: ${name}`, async () => {
        const file = new URL(`golden/${name}.${extension}`, import.meta.url);
        const text = await write(machine);
        if (process.env.WRITE_GOLDEN) await writeFile(file, text);
        expect(text).to.equal(await readFile(file, "utf8"));
      });
    }
  });
}
