import { once } from "node:events";
import { createServer } from "node:net";
import { fileURLToPath } from "node:url";
import { expect } from "chai";
import { until } from "../layers/support/until.ts";
import { run, startProcess } from "../support/child-process.ts";
import { Client } from "../support/client.ts";
import { JobClient } from "../support/job-client.ts";
import { type RedisServer, startRedisServer } from "../support/redis.ts";
import { Terminal } from "../support/terminal.ts";

const root = fileURLToPath(new URL("../..", import.meta.url));

function isRunning(pid: number): boolean {
  try {
    return process.kill(pid, 0);
  } catch {
    return false;
  }
}

describe("npm run start:all", function () {
  this.timeout(120_000);
  let redis: RedisServer;
  let env: NodeJS.ProcessEnv;
  let terminal: Terminal;

  before(async () => {
    redis = await startRedisServer();
  });
  beforeEach(() => {
    env = { ...process.env, REDIS_URL: redis.url, PORT: "0" };
  });
  afterEach(() => terminal?.end("SIGKILL"));
  after(() => redis.stop());

  /** Reads the output until the server and the worker are ready. */
  async function ready() {
    const found = () => ({
      url: /^server \| Greenroom demo: (\S+)$/m.exec(terminal.printed)?.[1],
      worker: /^worker \| Waiting for jobs\. Worker (\d+)$/m.exec(terminal.printed)?.[1],
    });
    for (;;) {
      const { url, worker } = found();
      if (url !== undefined && worker !== undefined) return { url, worker: Number(worker) };
      if ((await terminal.next()) === undefined) throw new Error(`It has ended:\n${terminal.printed}`);
    }
  }

  // The terminal sends Ctrl+C to npm, to this program and to both of its children, and npm sends it again.
  it("runs jobs of the server in the worker, and ends both with one Ctrl+C", async () => {
    terminal = new Terminal("exec npm run start:all", root, env);
    const { url, worker } = await ready();
    const jobs = await JobClient.open(url);
    await jobs.submit("hello");
    expect(await jobs.result()).to.equal("✅ Processed: HELLO");
    const client = await Client.open(`${url}/ws/system`);
    terminal.signal("SIGINT");
    expect(await client.closed).to.have.property("code", 1012);
    expect(await terminal.ended).to.deep.equal({ code: 0 });
    expect(terminal.printed).to.match(/^server \| Closing connections…$/m);
    expect(terminal.printed).to.match(/^worker \| Leaving the jobs to others…$/m);
    expect(isRunning(worker)).to.equal(false);
  });

  it("ends the server if the worker dies, with its code, and the worker if the server cannot start", async () => {
    const command = "exec node --import tsx --conditions=greenroom-source demo/all.ts";
    terminal = new Terminal(command, root, env);
    const { worker } = await ready();
    process.kill(worker, "SIGKILL");
    expect(await terminal.ended).to.deep.equal({ code: 137 });
    expect(terminal.printed).to.match(/^server \| Closing connections…$/m);

    const taken = createServer().listen(0);
    await once(taken, "listening");
    const { port } = taken.address() as { port: number };
    terminal = new Terminal(command, root, { ...env, PORT: String(port) });
    expect(await terminal.ended).to.deep.equal({ code: 1 });
    expect(terminal.printed).to.match(/^server \| The demo cannot start\. Port \d+ is taken/m);
    taken.close();
  });

  it("leaves no orphan if it is killed itself", async () => {
    const printed: string[] = [];
    const isReady = (line: string) =>
      printed.push(line) > 0 &&
      ["server | Jobs: ", "worker | Waiting"].every((text) => printed.join("\n").includes(text));
    const words = ["--import=tsx", "--conditions=greenroom-source", "demo/all.ts"];
    const all = await startProcess(process.execPath, words, isReady, env);
    const worker = Number(/Worker (\d+)/.exec(printed.join("\n"))?.[1]);
    const url = /http:\S+/.exec(printed.join("\n"))?.[0] ?? "";
    const client = await Client.open(`${url}/ws/system`);
    process.kill(all.pid, "SIGKILL");
    expect(await client.closed).to.have.property("code", 1012);
    await until(() => !isRunning(worker));
    while (
      await fetch(url).then(
        () => true,
        () => false,
      )
    )
      await new Promise(setImmediate);
  });

  it("starts nothing without Redis", async () => {
    const words = ["--import=tsx", "--conditions=greenroom-source", "demo/all.ts"];
    const { code, stderr, stdout } = await run(process.execPath, words, {
      cwd: root,
      env: { ...env, REDIS_URL: "" },
    }).catch((failure) => failure);
    expect([code, stdout]).to.deep.equal([1, ""]);
    expect(stderr).to.match(/^Nothing was started\. REDIS_URL is not set/);
  });
});
