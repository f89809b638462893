// Compares the time of `import("greenroom")` with that of `import("socket.io")`: see README.md.
import { fileURLToPath } from "node:url";
import { run } from "../../spec/support/child-process.ts";
import { projectWithPackage } from "../../spec/support/installed-package.ts";

const rounds = Number(process.argv[2] ?? 31);
const peers = fileURLToPath(new URL("../fan-out/node_modules/", import.meta.url));

/** The rows, each with the file or package to import. The first row is the unit of the last column. */
const rows: Readonly<Record<string, string>> = {
  "socket.io": "socket.io",
  "socket.io again (control)": "socket.io",
  greenroom: "greenroom",
  "greenroom, one file per source file": "./node_modules/greenroom/dist/index.js",
  ws: "ws",
  xstate: "xstate",
};

interface Sample {
  readonly wallMs: number;
  readonly cpuMs: number;
}

const project = await projectWithPackage();
project.link("socket.io", `${peers}socket.io`);
const samples = new Map<string, Sample[]>(Object.keys(rows).map((name) => [name, []]));
for (let round = 0; round < rounds; round += 1)
  for (const [name, specifier] of Object.entries(rows)) samples.get(name)?.push(await measure(specifier));

const unit = median(samples.get("socket.io") ?? [], "wallMs");
process.stdout.write(
  "| import of | median ms | least ms | median CPU ms | of socket.io |\n|---|--:|--:|--:|--:|\n",
);
for (const [name, all] of samples) {
  const wallMs = median(all, "wallMs");
  const figures = [wallMs, Math.min(...all.map((sample) => sample.wallMs)), median(all, "cpuMs")];
  const cells = [name, ...figures.map((figure) => figure.toFixed(1)), (wallMs / unit).toFixed(2)];
  process.stdout.write(`| ${cells.join(" | ")} |\n`);
}
process.exit();

/** Imports a package in a process of its own, which measures the import alone. */
async function measure(specifier: string): Promise<Sample> {
  const program = `
    const usage = process.cpuUsage();
    const start = performance.now();
    await import(${JSON.stringify(specifier)});
    const wallMs = performance.now() - start;
    const { user, system } = process.cpuUsage(usage);
    console.log(JSON.stringify({ wallMs, cpuMs: (user + system) / 1_000 }));
  `;
  const flags = ["--input-type=module", "--eval", program];
  const { stdout } = await run(process.execPath, flags, { cwd: project.folder });
  return JSON.parse(stdout) as Sample;
}

function median(all: readonly Sample[], figure: keyof Sample): number {
  const sorted = all.map((sample) => sample[figure]).sort((a, b) => a - b);
  return sorted[Math.floor(sorted.length / 2)] ?? Number.NaN;
}
