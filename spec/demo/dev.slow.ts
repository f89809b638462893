import { appendFile, cp, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { expect } from "chai";
import { until } from "../layers/support/until.ts";
import { type RunningProcess, startProcess } from "../support/child-process.ts";
import { Client } from "../support/client.ts";

const root = fileURLToPath(new URL("../..", import.meta.url));

describe("npm run dev", function () {
  this.timeout(30_000);
  let folder: string;
  let dev: RunningProcess;
  const printed: string[] = [];
  const starts = () => printed.filter((line) => line.startsWith("Jobs: ")).length;

  before(async () => {
    folder = await mkdtemp(join(root, ".tmp-dev-"));
    await cp(join(root, "demo"), folder, { recursive: true });
    const { scripts } = JSON.parse(await readFile(join(root, "package.json"), "utf8"));
    const command = scripts.dev.replace("demo/main.ts", join(folder, "main.ts"));
    const isReady = (line: string) => printed.push(line) > 0 && line.startsWith("Jobs: ");
    const { REDIS_URL: _, ...env } = process.env;
    dev = await startProcess("sh", ["-c", command], isReady, { ...env, PORT: "0" });
  });
  after(async () => {
    if (dev.isRunning) process.kill(dev.pid, "SIGKILL");
    await rm(folder, { recursive: true });
  });

  /** Each start has another port. */
  const url = () => printed.findLast((line) => line.startsWith("Greenroom demo: "))?.split(": ")[1];
  const open = () => Client.open(`${url()}/ws/system`);

  it("restarts when a source changes, also after one with a syntax error, but not when the page changes", async () => {
    const clients = [await open(), await open(), await open()];
    const source = join(folder, "consumers/system.ts");
    const text = await readFile(source, "utf8");
    await writeFile(source, text.replace("Connection established!", "Changed!"));
    for (const { closed } of clients) expect(await closed).to.have.property("code", 1012);
    // A restart would show long before the new process is up.
    await appendFile(join(folder, "public/style.css"), "/* more */");
    await until(() => starts() === 2);
    expect(await (await open()).next()).to.equal("🔧 System: Changed!");
    await appendFile(join(folder, "public/style.css"), "/* even more */");
    expect(await (await fetch(`${url()}/style.css`)).text()).to.match(/\/\* more \*\/\/\* even more \*\/$/);
    expect(starts()).to.equal(2);
    await writeFile(source, `${text}}`);
    await until(() => printed.some((line) => line.startsWith("Failed running")));
    await writeFile(source, text);
    await until(() => starts() === 3);
    expect(printed.filter((line) => line.startsWith("Restarting "))).to.have.length(3);
    expect(await (await open()).next()).to.equal("🔧 System: Connection established!");
  });

  it("ends on Ctrl+C", async () => {
    process.kill(dev.pid, "SIGINT");
    expect(await dev.exited).to.deep.equal([0, null]);
    expect(printed.at(-1)).to.equal("Closing connections…");
  });
});
