import { randomUUID } from "node:crypto";
import { setTimeout as pause } from "node:timers/promises";
import { expect } from "chai";
import {
  createRuntime,
  handlers,
  InvalidOptionError,
  type Job,
  JobExpiredError,
  type JobMessages,
  type JobWorker,
  type JobWorkerOptions,
  MemoryBus,
  MemoryLayer,
  UnsupportedError,
  WebSocketConsumer,
} from "greenroom";
import { RedisPubSubLayer, RedisStreamsLayer } from "greenroom/redis";
import { Redis } from "ioredis";
import { until } from "../../layers/support/until.ts";
import { gate } from "../../support/gate.ts";
import { redisUrl } from "../../support/redis.ts";
import { unlessByMachine } from "../../support/serving.ts";
import { codeOf, opened, startCluster, stopCluster } from "../support/cluster.ts";

/** Submits a job for each frame, and sends the updates to its client. */
class Client extends WebSocketConsumer<{ messages: JobMessages }> {
  static override readonly layer = "chat";
  static override readonly on = handlers<Client>({
    job_progress({ job, value }) {
      this.send(`${this.#jobs.indexOf(job)} progress ${value}`);
    },
    job_done({ job, value }) {
      this.send(`${this.#jobs.indexOf(job)} done ${JSON.stringify(value)}`);
    },
    job_failed({ job, reason }) {
      this.send(`${this.#jobs.indexOf(job)} failed ${reason}`);
    },
  });
  readonly #jobs: string[] = [];
  override async receive(text: string) {
    this.#jobs.push(await this.submit("jobs", { type: "job", text }));
  }
}

const next = async (actor: { readonly outgoing: AsyncIterableIterator<unknown> }, count: number) => {
  const frames: unknown[] = [];
  while (frames.length < count) frames.push((await actor.outgoing.next()).value);
  return frames;
};

describe("Job workers", () => {
  afterEach(stopCluster);

  const places = {
    "on memory layers": async () => {
      const [here, there] = await startCluster(2);
      return { here, there };
    },
    "on Redis, with the updates over pub/sub": async () => {
      const [jobs, chat] = [randomUUID(), randomUUID()];
      const make = () =>
        opened(
          createRuntime({
            layers: {
              chat: new RedisPubSubLayer({ url: redisUrl(), prefix: chat }),
              queue: new RedisStreamsLayer({ url: redisUrl(), prefix: jobs }),
            },
            control: "chat",
            onError() {},
          }),
        );
      const [here, there] = [make(), make()];
      await Promise.all([here.ready(), there.ready()]);
      return { here, there, layer: "queue" };
    },
  };
  for (const [place, start] of Object.entries(places)) {
    it(`send progress and the result to the submitter, in order, ${place}`, async () => {
      const { here, there, ...options } = { layer: "chat", ...(await start()) };
      class Submitter extends Client {
        override async receive(text: string) {
          const job = await this.submit("jobs", { type: "job", text }, options);
          this.send(`submitted ${job.length > 20}`);
        }
      }
      class Listener extends Submitter {
        static override readonly on = handlers<Client>({
          job_progress({ value }) {
            this.send(`progress ${value}`);
          },
          job_done({ value }) {
            this.send(`done ${JSON.stringify(value)}`);
          },
          job_failed({ reason }) {
            this.send(`failed ${reason}`);
          },
        });
      }
      await there.worker<{ type: string; text: string }>(
        "jobs",
        ({ text }, { progress, attempt }) => {
          if (text === "fail") throw new Error(`attempt ${attempt}`);
          for (const percent of [10, 20, 30]) progress(percent);
          return { text };
        },
        { ...options, attempts: 2 },
      );
      const actor = await here.spawn(Listener);
      actor.receive("hello");
      const updates = await next(actor, 5);
      expect(updates).to.have.members([
        "submitted true",
        "progress 10",
        "progress 20",
        "progress 30",
        'done {"text":"hello"}',
      ]);
      expect(updates.filter((frame) => frame !== "submitted true")).to.deep.equal([
        "progress 10",
        "progress 20",
        "progress 30",
        'done {"text":"hello"}',
      ]);
      actor.receive("fail");
      expect(await next(actor, 2)).to.have.members(["submitted true", "failed attempt 2"]);
    });
  }

  it("send the result only if no other worker has ended the job", async () => {
    const prefix = randomUUID();
    const make = () =>
      opened(createRuntime({ layers: { chat: new RedisStreamsLayer({ url: redisUrl(), prefix }) } }));
    const [here, there] = [make(), make()];
    await Promise.all([here.ready(), there.ready()]);
    const [begun, end] = [gate(), gate()];
    const worker = await there.worker<{ type: string; text: string }>("jobs", async ({ text }) => {
      begun.open();
      await end.opened;
      return text;
    });
    const actor = await here.spawn(Client);
    actor.receive("ended by another worker");
    await begun.opened;
    const raw = new Redis(redisUrl());
    const key = `{${prefix}__queue__jobs}`;
    const [[id = ""] = []] = (await raw.xpending(key, "workers", "-", "+", 1)) as string[][];
    await raw.multi().xack(key, "workers", id).xdel(key, id).exec();
    await raw.quit();
    end.open();
    actor.receive("ended here");
    expect(await next(actor, 1)).to.deep.equal(['1 done "ended here"']);
    await worker.close();
  });

  it("send each submitter the updates of its own jobs", async () => {
    const [here, there] = await startCluster(2);
    const go = gate();
    await there.worker<{ type: string; text: string }>(
      "jobs",
      async ({ text }) => {
        await go.opened;
        return text;
      },
      { concurrency: 2 },
    );
    const actors = [await here.spawn(Client), await here.spawn(Client)];
    for (const [index, actor] of actors.entries()) actor.receive(`${index}`);
    go.open();
    expect(await Promise.all(actors.map((actor) => next(actor, 1)))).to.deep.equal([
      ['0 done "0"'],
      ['0 done "1"'],
    ]);
  });

  it("send job_failed, call onFailed and report, if a message cannot hold the returned value", async () => {
    const errors: unknown[] = [];
    const [here, there] = await startCluster(2, {
      onError: unlessByMachine((error, where) => errors.push([codeOf(error), where])),
    });
    const failed: unknown[] = [];
    await there.worker("jobs", ({ text }) => text !== "fine" && new Map(), {
      onFailed: ({ text }, { attempt }, error) => {
        failed.push([text, attempt, codeOf(error)]);
        throw new Error("onFailed is broken");
      },
    });
    const actor = await here.spawn(Client);
    actor.receive("odd");
    expect((await next(actor, 1))[0]).to.match(/^0 failed the returned value cannot be sent: .*Map/);
    actor.receive("fine");
    expect(await next(actor, 1)).to.deep.equal(["1 done false"]);
    expect(failed).to.deep.equal([["odd", 1, "ERR_INVALID_MESSAGE"]]);
    const where = { stage: "worker", channel: "jobs" };
    expect(errors).to.deep.equal([
      ["ERR_INVALID_MESSAGE", where],
      [undefined, where],
    ]);
    expect(there.layers.chat.counters().dropped).to.deep.equal({});
  });

  it("send job_failed and call onFailed if a job expires", async () => {
    const bus = new MemoryBus();
    const make = (options = {}) =>
      opened(createRuntime({ layers: { chat: new MemoryLayer({ bus, ...options }) } }));
    const [here, there] = [make(), make({ queueExpiryMs: 1 })];
    await Promise.all([here.ready(), there.ready()]);
    const actor = await here.spawn(Client);
    actor.receive("1");
    await until(() => here.layers.chat.counters().published === 1);
    await pause(5);
    const failed: unknown[] = [];
    const onFailed: JobWorkerOptions["onFailed"] = ({ text }, { id, attempt }, error) =>
      failed.push([text, id?.length, attempt, error instanceof JobExpiredError && error.code]);
    await there.worker("jobs", () => "begun", { onFailed });
    expect((await next(actor, 1))[0]).to.match(
      /^0 failed No worker began a message of "jobs" within 1 ms \(`queueExpiryMs`\): it had waited for \d+ ms\.$/,
    );
    await until(() => failed.length === 1);
    expect(failed).to.deep.equal([["1", 36, 1, "ERR_JOB_EXPIRED"]]);
    expect(there.layers.chat.counters().dropped).to.deep.equal({ expired: 1 });
  });

  it("fail a job whose handler never ends, and ignore its late progress and result", async () => {
    const [here, there] = await startCluster(2);
    const go = gate();
    const ended = gate();
    const failed: unknown[] = [];
    const worker: JobWorker = await there.worker<{ type: string; text: string }>(
      "jobs",
      async ({ text }, { progress }) => {
        if (text === "next") return text;
        await go.opened;
        progress("late");
        // The worker no longer waits for this handler, so the handler may await the end of its worker.
        await worker.close().then(ended.open, ended.fail);
        return "late";
      },
      {
        timeoutMs: 50,
        attempts: 1,
        onFailed: (_, { id }, error) => failed.push([id?.length, codeOf(error)]),
      },
    );
    const actor = await here.spawn(Client);
    actor.receive("hang");
    expect(await next(actor, 1)).to.deep.equal([
      '0 failed The handler of a job of "jobs" took longer than 50 ms (`timeoutMs`).',
    ]);
    actor.receive("next");
    expect(await next(actor, 1)).to.deep.equal(['1 done "next"']);
    go.open();
    await ended.opened;
    await until(() => there.layers.chat.counters().dropped.late === 1);
    await there.worker("jobs", () => "last");
    actor.receive("last");
    expect(await next(actor, 1)).to.deep.equal(['2 done "last"']);
    expect(failed).to.deep.equal([[36, "ERR_JOB_TIMEOUT"]]);
  });

  it("limit the time of the handler only, and not the time to tell about the outcome", async () => {
    const errors: unknown[] = [];
    const [here, there] = await startCluster(2, {
      onError: unlessByMachine((error) => errors.push(codeOf(error))),
    });
    let begun = 0;
    const told = gate();
    const handler = () => {
      begun += 1;
      return new Map();
    };
    const onFailed = async () => {
      await pause(100);
      told.open();
    };
    const worker = await there.worker("jobs", handler, { timeoutMs: 20, onFailed });
    await here.submit("jobs", { type: "job" });
    await told.opened;
    await worker.close();
    expect([begun, errors]).to.deep.equal([1, ["ERR_INVALID_MESSAGE"]]);
  });

  it("do not keep a closing runtime waiting for a handler that has exceeded its time", async () => {
    const errors: unknown[] = [];
    const [here, there] = await startCluster(2, {
      onError: unlessByMachine((error) => errors.push(codeOf(error))),
    });
    await there.worker("jobs", () => new Promise(() => {}), { timeoutMs: 20, attempts: 1 });
    const actor = await here.spawn(Client);
    actor.receive("hang");
    await next(actor, 1);
    await there.close();
    expect(errors).to.deep.equal(["ERR_JOB_TIMEOUT"]);
  });

  it("list the running jobs of each worker and of the runtime, the longest-running first", async () => {
    const [here, there] = await startCluster(2);
    const go = gate();
    const begun: unknown[] = [];
    const start = (channel: string) =>
      there.worker(channel, ({ type }) => {
        begun.push(type);
        return go.opened;
      });
    const workers = [await start("slow"), await start("jobs")];
    const ids = [
      await here.submit("slow", { type: "first" }),
      await until(() => begun.length === 1).then(() => here.submit("jobs", { type: "second" })),
    ];
    await until(() => begun.length === 2);
    const jobs = there.runningJobs;
    expect(jobs.map(({ channel, id, attempt }) => [channel, id, attempt])).to.deep.equal([
      ["slow", ids[0], 1],
      ["jobs", ids[1], 1],
    ]);
    expect(workers.map(({ running }) => running.map(({ id }) => id))).to.deep.equal([[ids[0]], [ids[1]]]);
    expect(here.runningJobs).to.deep.equal([]);
    go.open();
    await until(() => there.runningJobs.length === 0);
  });

  it("copy a progress value at the call, and refuse a value that a message cannot hold", async () => {
    const [here, there] = await startCluster(2);
    const refused: unknown[] = [];
    await there.worker("jobs", (_, { progress }) => {
      const at = { percent: 0, toString: undefined };
      for (; at.percent < 3; at.percent += 1) progress(at.percent === 1 ? [at] : `${at.percent}`);
      for (const odd of [new Map(), "x".repeat(1024 * 1024)]) {
        try {
          progress(odd);
        } catch (error) {
          refused.push(codeOf(error));
        }
      }
      return "all";
    });
    class Reader extends Client {
      static override readonly on = handlers<Client>({
        job_progress({ value }) {
          this.send(JSON.stringify(value));
        },
        job_done({ value }) {
          this.send(`${value}`);
        },
        job_failed({ reason }) {
          this.send(reason);
        },
      });
    }
    const actor = await here.spawn(Reader);
    actor.receive("1");
    expect(await next(actor, 4)).to.deep.equal(['"0"', '[{"percent":1}]', '"2"', "all"]);
    expect(refused).to.deep.equal(["ERR_INVALID_MESSAGE", "ERR_INVALID_MESSAGE"]);
  });

  it("handle jobs without a submitter, and jobs that were sent over the layer", async () => {
    const [here, there] = await startCluster(2);
    const seen: [string, Job][] = [];
    await there.worker<{ type: string; text: string }>("jobs", ({ text }, job) => {
      job.progress("unread");
      seen.push([text, job]);
    });
    const id = await here.submit("jobs", { type: "job", text: "submitted" });
    await here.layers.chat.send("jobs", { type: "job", text: "sent" });
    await until(() => seen.length === 2);
    expect(seen.map(([text, job]) => [text, job.id, job.attempt])).to.deep.equal([
      ["submitted", id, 1],
      ["sent", undefined, 1],
    ]);
    expect(seen.every(([, { signal }]) => !signal.aborted)).to.equal(true);
  });

  it("ignore progress after the end of a job", async () => {
    const [here, there] = await startCluster(2);
    let progress: Job["progress"] = () => {};
    await there.worker("jobs", (_, job) => {
      progress = job.progress;
    });
    const actor = await here.spawn(Client);
    actor.receive("1");
    expect(await next(actor, 1)).to.deep.equal(["0 done undefined"]);
    progress("too late");
    actor.receive("2");
    expect(await next(actor, 1)).to.deep.equal(["1 done undefined"]);
  });

  it("close before the layers of a closing runtime, abort running jobs, and send their results", async () => {
    const [here, there] = await startCluster(2);
    const begun = gate();
    await there.worker("jobs", async (_, { signal }) => {
      begun.open();
      await new Promise<void>((resolve) => signal.addEventListener("abort", () => resolve()));
      // The handler needs some time to clean up.
      await new Promise((resolve) => setTimeout(resolve, 30));
      return "stopped early";
    });
    const actor = await here.spawn(Client);
    actor.receive("1");
    await begun.opened;
    await there.close();
    expect(await next(actor, 1)).to.deep.equal(['0 done "stopped early"']);
    expect(await there.worker("jobs", () => {}).catch(codeOf)).to.equal("ERR_RUNTIME_CLOSED");
  });

  it("give back jobs that a closing runtime aborts, without a failed attempt", async () => {
    const errors: unknown[] = [];
    const bus = new MemoryBus();
    const [here] = await startCluster(1, {}, bus);
    const actor = await here.spawn(Client);
    actor.receive("1");
    const attempts: number[] = [];
    while (attempts.length < 3) {
      const onError = unlessByMachine((error) => errors.push(error));
      const there = opened(createRuntime({ layers: { chat: new MemoryLayer({ bus }) }, onError }));
      const begun = gate();
      const handler = async (_: unknown, { attempt, signal }: Job) => {
        attempts.push(attempt);
        begun.open();
        await pause(3_600_000, undefined, { signal });
      };
      await there.worker("jobs", handler, { attempts: 2 });
      await begun.opened;
      await there.close();
    }
    expect(attempts).to.deep.equal([1, 2, 2]);
    expect(errors).to.deep.equal([]);
    await here.worker("jobs", (_, { attempt }) => `attempt ${attempt}`, { attempts: 2 });
    expect(await next(actor, 1)).to.deep.equal(['0 done "attempt 2"']);
  });

  it("give a job to another worker when the runtime closes and a handler never ends", async () => {
    const errors: [unknown, string][] = [];
    const onError = unlessByMachine((error, { stage }: { stage: string }) =>
      errors.push([codeOf(error), stage]),
    );
    const [here, there] = await startCluster(2, { onError });
    const begun = gate();
    await there.worker("jobs", () => {
      begun.open();
      return new Promise<void>(() => {});
    });
    const actor = await here.spawn(Client);
    actor.receive("1");
    await begun.opened;
    await there.close({ drainMs: 20 });
    expect(errors).to.deep.equal([["ERR_HANDLER_TIMEOUT", "consume"]]);
    await here.worker("jobs", (_, { attempt }) => `attempt ${attempt}`);
    expect(await next(actor, 1)).to.deep.equal(['0 done "attempt 2"']);
  });

  for (const what of ["worker", "runtime"]) {
    it(`tell a handler that it awaits the end of its own ${what}`, async () => {
      const [here, there] = await startCluster(2);
      const worker: JobWorker = await there.worker("jobs", () =>
        (what === "worker" ? worker.close() : there.close()).catch(codeOf),
      );
      const actor = await here.spawn(Client);
      actor.receive("1");
      expect(await next(actor, 1)).to.deep.equal(['0 done "ERR_DEADLOCK"']);
      await worker.close();
      await there.close();
    });
  }

  it("let a handler close its own worker without waiting", async () => {
    const [here, there] = await startCluster(2);
    const closed = gate();
    const worker: JobWorker = await there.worker("jobs", () => {
      void worker.close().then(closed.open, closed.fail);
      return "closing";
    });
    const actor = await here.spawn(Client);
    actor.receive("1");
    expect(await next(actor, 1)).to.deep.equal(['0 done "closing"']);
    await closed.opened;
  });

  it("report late errors of a handler, and continue", async () => {
    const errors: unknown[] = [];
    const [here, there] = await startCluster(2, {
      onError: unlessByMachine((error: Error, where: object) =>
        errors.push({ message: error.message, ...where }),
      ),
    });
    const failed = gate();
    const mine = process.listeners("uncaughtException");
    const others = mine.filter((listener) => !listener.name.startsWith("onException"));
    // Without the runtime's own listener, the process would end.
    expect(others).to.have.length(mine.length - 1);
    // Mocha fails a spec for every uncaught error, even if another listener handles it.
    for (const other of others) process.off("uncaughtException", other);
    try {
      await there.worker("jobs", () => {
        setTimeout(() => {
          setImmediate(failed.open);
          throw new Error("left behind");
        }, 1);
        return "done";
      });
      const actor = await here.spawn(Client);
      actor.receive("1");
      expect(await next(actor, 1)).to.deep.equal(['0 done "done"']);
      await failed.opened;
    } finally {
      for (const other of others) process.on("uncaughtException", other);
    }
    expect(errors).to.deep.equal([
      { message: "left behind", stage: "async", consumer: "worker", path: "jobs" },
    ]);
  });

  it("can be closed one by one, and twice", async () => {
    const bus = new MemoryBus();
    const [here, there] = await startCluster(2, {}, bus);
    const worker = await there.worker("jobs", () => "by the first");
    await Promise.all([worker.close(), worker.close()]);
    const actor = await here.spawn(Client);
    actor.receive("1");
    await here.worker("jobs", () => "by the second");
    expect(await next(actor, 1)).to.deep.equal(['0 done "by the second"']);
  });

  it("call onFailed with the last error before a job becomes a dead letter", async () => {
    const chat = new MemoryLayer();
    const errors: unknown[] = [];
    const runtime = opened(
      createRuntime({ layers: { chat }, onError: unlessByMachine((error) => errors.push(error)) }),
    );
    const broken = new Error("onFailed is broken");
    const failed: unknown[] = [];
    const called = new Promise<void>((resolve) => {
      void runtime.worker(
        "jobs",
        (_, { attempt }) => {
          throw new Error(`attempt ${attempt}`);
        },
        {
          attempts: 2,
          onFailed: ({ type }, { id, attempt }, error) => {
            failed.push([type, id, attempt, String(error)]);
            resolve();
            throw broken;
          },
        },
      );
    });
    const id = await runtime.submit("jobs", { type: "job" });
    await called;
    expect(failed).to.deep.equal([["job", id, 2, "Error: attempt 2"]]);
    await runtime.close();
    expect(errors.at(-1)).to.equal(broken);
    expect(errors.map(String)).to.deep.equal(["Error: attempt 1", "Error: attempt 2", String(broken)]);
  });

  it("pass claimAfterMs, concurrency, attempts and timeoutMs to the layer", async () => {
    const asked: unknown[] = [];
    const chat = new MemoryLayer();
    const consume = chat.consume.bind(chat);
    Object.assign(chat, {
      consume: (...args: Parameters<typeof consume>) => {
        const { onDone: _, onDead: __, onExpired: ___, ...passed } = args[2] ?? {};
        asked.push(passed);
        return consume(...args);
      },
    });
    const runtime = opened(createRuntime({ layers: { chat } }));
    await runtime.worker("jobs", () => {}, { claimAfterMs: 5_000 });
    await runtime.worker("jobs", () => {}, { concurrency: 2, attempts: 5, timeoutMs: 1_000 });
    expect(asked).to.deep.equal([
      { maxDeliveries: 3, claimAfterMs: 5_000 },
      { maxDeliveries: 5, concurrency: 2, timeoutMs: 1_000 },
    ]);
  });

  it("refuse layers without queues, unknown layers, and invalid options", async () => {
    const chat = new RedisPubSubLayer({ url: redisUrl(), prefix: randomUUID() });
    const runtime = opened(createRuntime({ layers: { chat, other: new MemoryLayer() } }));
    const refusal = (asking: Promise<unknown>) => asking.catch((error) => error);
    const unsupported = await refusal(runtime.worker("jobs", () => {}, { layer: "chat" }));
    expect(unsupported).to.be.instanceOf(UnsupportedError);
    expect(unsupported).to.have.property("message").that.includes('it cannot consume "jobs"');
    expect(codeOf(await refusal(runtime.worker("jobs", () => {})))).to.equal("ERR_UNKNOWN_LAYER");
    expect(codeOf(await refusal(runtime.submit("jobs", { type: "job" }, { layer: "toString" })))).to.equal(
      "ERR_UNKNOWN_LAYER",
    );
    expect(codeOf(await refusal(runtime.submit("a!b", { type: "job" }, { layer: "other" })))).to.equal(
      "ERR_INVALID_NAME",
    );
    const impatient = await refusal(runtime.worker("jobs", () => {}, { layer: "other", attempts: 0 }));
    expect(impatient).to.be.instanceOf(InvalidOptionError);
    expect(impatient).to.have.property("message", "`attempts` must be an integer of at least 1, not 0.");
    const hasty = await refusal(runtime.worker("jobs", () => {}, { layer: "other", claimAfterMs: 99 }));
    expect(hasty).to.be.instanceOf(InvalidOptionError);
    expect(hasty)
      .to.have.property("message")
      .that.matches(/^`claimAfterMs` must be an integer from 100 to \d+, not 99\.$/);
    expect(await refusal(runtime.worker("jobs", undefined as never, { layer: "other" }))).to.be.instanceOf(
      TypeError,
    );
    const nobody = { layer: "other", replyTo: "nonsense" };
    expect(codeOf(await refusal(runtime.submit("jobs", { type: "job" }, nobody)))).to.equal(
      "ERR_INVALID_NAME",
    );
  });
});
