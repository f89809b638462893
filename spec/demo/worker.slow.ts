import { expect } from "chai";
import { Redis } from "ioredis";
import { until } from "../layers/support/until.ts";
import {
  type DemoProcess,
  type DemoProgramProcess,
  runDemo,
  runDemoOften,
  startDemoProcess,
  startWorkerProcess,
} from "../support/demo-process.ts";
import { freePort } from "../support/free-port.ts";
import { JobClient } from "../support/job-client.ts";
import { type RedisServer, startRedisServer } from "../support/redis.ts";

describe("npm run worker", function () {
  this.timeout(30_000);

  it("prints its help, and refuses wrong arguments", async () => {
    const REDIS_URL = `redis://user:secret@127.0.0.1:${await freePort()}`;
    const [gone, [help, ...failures]] = await Promise.all([
      runDemo("worker", [], { REDIS_URL }),
      runDemoOften("worker", [[["--help"]], [[]], [["--step-ms", "soon"]], [["--speed", "5"]]]),
    ]);
    expect([help?.code, help?.said]).to.deep.equal([0, ""]);
    expect(help?.printed).to.contain("npm run worker").and.contain("--step-ms");
    for (const { code, printed } of [gone, ...failures]) expect([code, printed]).to.deep.equal([1, ""]);
    expect(gone.said)
      .to.match(/^The worker cannot start\. Redis at 127\.0\.0\.1:\d+ .* Start a server there \(.*\)\.\n$/)
      .and.not.contain("secret");
    expect(failures.map(({ said }) => said)).to.deep.equal([
      "The worker cannot start. REDIS_URL is not set: without Redis the demo's server runs the jobs itself, and a worker has no access to them. Start this program and the demo with the same REDIS_URL, such as redis://localhost:6399.\n",
      'The worker cannot start. --step-ms is "soon"; it must be a number from 0 to 999999.\n',
      "The worker cannot start. Unknown option '--speed'. See --help.\n",
    ]);
  });

  describe("beside a demo on the same Redis", () => {
    let redis: RedisServer;
    let settings: { readonly REDIS_URL: string };
    let demo: DemoProcess;
    let monitor: Redis;
    const workers: DemoProgramProcess[] = [];
    const startWorker = async (stepMs: number) => {
      const worker = await startWorkerProcess(settings, "--step-ms", String(stepMs));
      workers.push(worker);
      return worker;
    };
    const begun = ({ printed }: DemoProgramProcess) => printed.filter((line) => line.includes("begun"));

    before(async () => {
      redis = await startRedisServer();
      settings = { REDIS_URL: redis.url };
      demo = await startDemoProcess(settings);
      monitor = new Redis(redis.url);
    });
    after(async () => {
      monitor.disconnect();
      await Promise.all([demo.stop(), ...workers.map((worker) => worker.stop())]);
      await redis.stop();
    });

    it("shares the jobs with other workers, and leaves its own to them on SIGTERM", async () => {
      const endless = 999_999;
      const client = await JobClient.open(demo.url);
      const contents = ["a", "b", "c", "d", "e", "f", "g", "h"];
      // They wait for a worker.
      const ids: string[] = [];
      for (const content of contents) ids.push(await client.submit(content));
      const [one, two] = await Promise.all([startWorker(endless), startWorker(endless)]);
      await until(() => begun(one).length === 4 && begun(two).length === 4);
      const inTheMiddle = [...begun(one), ...begun(two)].map((line) => line.split(" ")[0]);
      expect(inTheMiddle).to.have.members(ids);
      expect(await Promise.all([one.stop("SIGTERM"), two.stop("SIGINT")])).to.deep.equal([0, 0]);
      for (const worker of [one, two]) {
        expect(worker.printed.filter((line) => !line.includes("begun"))).to.deep.equal([
          `Waiting for jobs. Worker ${worker.pid}`,
          "Leaving the jobs to others…",
        ]);
      }
      // The jobs are returned, so other workers take them at once, before claimAfterMs.
      const free = await monitor.xpending("{queue__queue__jobs}", "workers", "-", "+", 10, "returned");
      expect(free).to.have.length(8);
      await startWorker(1);
      const results: unknown[] = [];
      while (results.length < contents.length) results.push(await client.result());
      expect(results).to.have.members(contents.map((content) => `✅ Processed: ${content.toUpperCase()}`));
    });
  });
});
