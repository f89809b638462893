import { expect } from "chai";
import {
  ChannelLayer,
  contractConsumer,
  createRuntime,
  type Effect,
  frames,
  LimitError,
  MemoryBus,
  MemoryLayer,
  machineConsumer,
  type RuntimeOptions,
  WebSocketConsumer,
} from "greenroom";
import { contract } from "greenroom/contract";
import { enqueueActions, SimulatedClock, setup } from "xstate";
import { z } from "zod";
import { MemoryBackend } from "../../../layers/memory/memory-backend.ts";
import type { CountedLimit } from "../../../runtime/limits/limits.ts";
import { until } from "../../layers/support/until.ts";
import { Client } from "../../support/client.ts";
import { gate } from "../../support/gate.ts";
import { chat, type Failure, serve, stopServing, unlessByMachine } from "../../support/serving.ts";
import { opened, stopCluster } from "../support/cluster.ts";

/** Uses as many resources as a frame says: `groups 10`. Answers with the number of refusals. */
class Greedy extends WebSocketConsumer {
  static override readonly layer = "chat";
  override async receive(text: string) {
    const [resource = "", count] = text.split(" ");
    const uses = Array.from({ length: Number(count) }, (_, n) => this.#use(resource, `${resource}.${n}`));
    const outcomes = await Promise.allSettled(uses);
    const refused = outcomes.flatMap((outcome) => (outcome.status === "rejected" ? [outcome.reason] : []));
    this.send(`${refused.length} ${refused[0]?.message ?? ""}`.trim());
  }
  async #use(resource: string, name: string): Promise<unknown> {
    if (resource === "groups") return this.groupAdd(name);
    if (resource === "leave") return this.groupDiscard(name.replace("leave", "groups"));
    if (resource === "presences") return this.track(name, {});
    if (resource === "watches") return this.watch(name);
    if (resource === "tags") return this.tag(name);
    if (resource === "jobs") return this.submit("jobs", { type: "job" });
    if (resource === "asks") return this.ask(this.scope.query.get("to") ?? "", { type: "never" });
    return this.askGroup("nobody", { type: "never" }, { timeoutMs: 10 });
  }
}

/** Never answers. */
class Silent extends WebSocketConsumer {
  static override readonly layer = "chat";
  static override readonly on = { never: () => new Promise(() => {}) };
}

type Limit = Extract<CountedLimit, `${string}PerConnection`>;
const limits: readonly [resource: string, limit: Limit, text: string][] = [
  ["groups", "maxGroupsPerConnection", "Too many groups: the limit is 3 (maxGroupsPerConnection)"],
  [
    "presences",
    "maxPresencesPerConnection",
    "Too many presences: the limit is 3 (maxPresencesPerConnection)",
  ],
  ["watches", "maxWatchesPerConnection", "Too many watches: the limit is 3 (maxWatchesPerConnection)"],
  ["tags", "maxTagsPerConnection", "Too many tags: the limit is 3 (maxTagsPerConnection)"],
  ["jobs", "maxJobsPerConnection", "Too many jobs: the limit is 3 (maxJobsPerConnection)"],
  ["asks", "maxAsksPerConnection", "Too many asks: the limit is 3 (maxAsksPerConnection)"],
  ["askGroup", "maxAsksPerConnection", "Too many asks: the limit is 3 (maxAsksPerConnection)"],
];

describe("The limits of an actor", () => {
  let failures: Failure[];
  beforeEach(() => {
    failures = [];
  });
  afterEach(() => Promise.all([stopCluster(), stopServing()]));

  const start = (options: Partial<RuntimeOptions<ReturnType<typeof chat>>> = {}) =>
    opened(
      createRuntime({
        layers: chat(),
        onError: unlessByMachine((error, { stage }) => failures.push({ error, stage })),
        ...options,
      }),
    );
  const spawnGreedy = async (runtime: ReturnType<typeof start>, Consumer: typeof Greedy = Greedy) => {
    const silent = await runtime.spawn(Silent);
    const actor = await runtime.spawn(Consumer, { query: new URLSearchParams({ to: silent.channel }) });
    return async (text: string) => {
      actor.receive(text);
      return (await actor.outgoing.next()).value;
    };
  };

  for (const [resource, limit, text] of limits) {
    it(`refuse one more of ${resource} than ${limit}, also if they are asked for at once`, async () => {
      const runtime = start({ [limit]: 3 });
      // An ask that never ends would block the actor, so the answer comes with its timeout.
      const use = await spawnGreedy(runtime);
      const asked = use(`${resource} 5`);
      if (resource === "asks") await until(() => runtime.counters().limited[limit] === 2);
      else expect(await asked).to.equal(`2 ${text}`);
      expect(runtime.counters().limited[limit]).to.equal(2);
    });
  }

  it("count a resource once that an actor asks for again", async () => {
    const runtime = start(Object.fromEntries(limits.map(([, limit]) => [limit, 3])));
    const use = await spawnGreedy(runtime);
    for (const resource of ["groups", "presences", "watches", "tags"])
      for (let times = 0; times < 2; times += 1) expect(await use(`${resource} 3`), resource).to.equal("0");
    expect(await use("askGroup 3")).to.equal("0");
    expect(await use("askGroup 3")).to.equal("0");
  });

  it("give the place of a group back to an actor that leaves it", async () => {
    const use = await spawnGreedy(start({ maxGroupsPerConnection: 3 }));
    expect(await use("groups 3")).to.equal("0");
    expect(await use("leave 1")).to.equal("0");
    expect(await use("groups 3")).to.equal("0");
  });

  it("give the place of a group back if the actor cannot join it", async () => {
    let isDown = false;
    class Backend extends MemoryBackend {
      override async subscribe(topic: string) {
        if (isDown) throw new Error("down");
        await super.subscribe(topic);
      }
    }
    const chat = new ChannelLayer(new Backend(new MemoryBus(), "down"), { prefix: "down" });
    const runtime = opened(createRuntime({ layers: { chat }, maxGroupsPerConnection: 1 }));
    const actor = await runtime.spawn(Greedy);
    const use = async () => {
      actor.receive("groups 1");
      return (await actor.outgoing.next()).value;
    };
    isDown = true;
    expect(await use()).to.equal("1 down");
    isDown = false;
    expect(await use()).to.equal("0");
  });

  it("of a class raise or lower those of the runtime", async () => {
    class Roomy extends Greedy {
      static override readonly limits = { groups: 5 };
    }
    const runtime = start({ maxGroupsPerConnection: 3 });
    expect(await (await spawnGreedy(runtime, Roomy))("groups 6")).to.match(
      /^1 Too many groups: the limit is 5/,
    );
    expect(await (await spawnGreedy(runtime))("groups 6")).to.match(/^3 Too many groups: the limit is 3/);
  });

  it("refuse a snapshot that exceeds them", async () => {
    const machine = setup({ types: { emitted: {} as Effect } }).createMachine({
      id: "joiner",
      entry: enqueueActions(({ enqueue }) => {
        for (const group of ["a", "b", "c"]) enqueue.emit({ type: "join", group });
      }),
    });
    const Joiner = machineConsumer(machine, { layer: "chat" });
    const actor = await start().spawn(Joiner);
    const snapshot = actor.snapshot();
    expect(snapshot.groups).to.deep.equal(["a", "b", "c"]);
    const small = start({ maxGroupsPerConnection: 2 });
    const error = await small.spawn(Joiner, { snapshot }).catch((reason: unknown) => reason);
    expect(error).to.be.instanceOf(LimitError).and.include({ limit: "maxGroupsPerConnection" });
    await until(() => small.size === 0);
  });

  it("refuse one more group than maxGroups, for all actors and layers of the node together", async () => {
    class Other extends Greedy {
      static override readonly layer = "other" as never;
    }
    const runtime = opened(
      createRuntime({ layers: { ...chat(), other: new MemoryLayer() }, control: "chat", maxGroups: 4 }),
    ); // one of them is the group of the nodes
    const one = await spawnGreedy(runtime as never);
    const two = await spawnGreedy(runtime as never, Other);
    expect(await one("groups 2")).to.equal("0");
    expect(await two("groups 2")).to.equal("1 Too many groups on this node: the limit is 4 (maxGroups)");
    const three = await spawnGreedy(runtime as never);
    expect(await three("groups 3")).to.match(/^1 Too many/); // two of them exist already
    expect(await one("leave 2")).to.equal("0");
    expect(await two("groups 3")).to.match(/^2 Too many/); // `three` is still in them
    expect(runtime.counters().limited.maxGroups).to.equal(4);
  });

  it("refuse presences beyond maxPresenceBytes, for all actors of the node together", async () => {
    const runtime = start({ maxPresenceBytes: 5_000 });
    class Present extends Greedy {
      override async receive(text: string) {
        const [group = "", size] = text.split(" ");
        try {
          if (size === "none") this.untrack(group);
          else this.track(group, "x".repeat(Number(size)));
          this.send("done");
        } catch (error) {
          this.send((error as Error).message);
        }
      }
    }
    const refusal = "Too many bytes of presence: the limit is 5000 (maxPresenceBytes)";
    const one = await spawnGreedy(runtime, Present);
    const two = await spawnGreedy(runtime, Present);
    expect(await one("a 1000")).to.equal("done"); // about 3,000 bytes
    expect(await two("a 1000")).to.equal(refusal);
    expect(runtime.presenceCount("a")).to.equal(1);
    expect(await one("a 2000")).to.equal(refusal); // the first entry stays until the second has found room
    expect(await two("b 100")).to.equal("done");
    expect(await one("a none")).to.equal("done");
    expect(await two("a 1000")).to.equal("done");
    expect(runtime.counters().limited.maxPresenceBytes).to.equal(2);
  });

  describe("for jobs", () => {
    it("count a job until its outcome has arrived", async () => {
      const runtime = start({ maxJobsPerConnection: 2 });
      const use = await spawnGreedy(runtime);
      expect(await use("jobs 3")).to.match(/^1 /);
      const done = gate();
      let run = 0;
      const worker = await runtime.worker("jobs", async () => {
        run += 1;
        if (run === 2) await done.opened;
      });
      await until(() => run === 2);
      await until(() => runtime.counters().dropped.unhandled === 1);
      expect(await use("jobs 2")).to.match(/^1 /);
      done.open();
      await until(() => runtime.counters().dropped.unhandled === 3);
      expect(await use("jobs 2")).to.equal("0");
      await worker.close();
    });

    it("count a failed job until the news has arrived", async () => {
      const runtime = start({ maxJobsPerConnection: 1 });
      const use = await spawnGreedy(runtime);
      expect(await use("jobs 1")).to.equal("0");
      await runtime.worker("jobs", () => Promise.reject(new Error("no")), { attempts: 1 });
      await until(() => runtime.counters().dropped.unhandled === 1);
      expect(await use("jobs 1")).to.equal("0");
    });

    it("do not count a job that could not be queued", async () => {
      const layers = { chat: new MemoryLayer({ queueCapacity: 1 }) };
      class Submitter extends WebSocketConsumer {
        static override readonly layer = "chat";
        override async receive() {
          const job = this.submit("jobs", { type: "job" });
          this.send(
            await job.then(
              () => "queued",
              (error: Error) => error.constructor.name,
            ),
          );
        }
      }
      const runtime = opened(createRuntime({ layers, maxJobsPerConnection: 2 }));
      const actor = await runtime.spawn(Submitter);
      const seen: unknown[] = [];
      for (let n = 0; n < 4; n += 1) {
        actor.receive("");
        seen.push((await actor.outgoing.next()).value);
      }
      expect(seen).to.deep.equal(["queued", "QueueFullError", "QueueFullError", "QueueFullError"]);
    });

    it("forget a job after ten minutes, because its outcome may be lost", async () => {
      const clock = new SimulatedClock();
      const use = await spawnGreedy(start({ maxJobsPerConnection: 1, clock }));
      expect(await use("jobs 1")).to.equal("0");
      clock.increment(599_999);
      expect(await use("jobs 1")).to.match(/^1 /);
      clock.increment(1);
      expect(await use("jobs 1")).to.equal("0");
    });

    it("count a job whose outcome goes to another actor until it is queued", async () => {
      const runtime = start({ maxJobsPerConnection: 1 });
      const silent = await runtime.spawn(Silent);
      class Manager extends WebSocketConsumer {
        static override readonly layer = "chat";
        override async receive() {
          for (let n = 0; n < 3; n += 1)
            await this.submit("jobs", { type: "job" }, { replyTo: silent.channel });
          const both = [1, 2].map(() => this.submit("jobs", { type: "job" }, { replyTo: silent.channel }));
          this.send((await Promise.allSettled(both)).map(({ status }) => status).join(" "));
        }
      }
      const actor = await runtime.spawn(Manager);
      actor.receive("");
      expect((await actor.outgoing.next()).value).to.equal("fulfilled rejected");
    });
  });

  describe("that a consumer does not catch", () => {
    class Careless extends WebSocketConsumer {
      static override readonly layer = "chat";
      override async connect() {
        if (this.scope.query.has("early")) for (const tag of ["a", "b"]) this.tag(tag);
      }
      override async receive(text: string) {
        const names = ["a", "b", "c"];
        if (text === "at once") await Promise.all(names.map((name) => this.groupAdd(name)));
        else for (const name of names) await this.groupAdd(name);
      }
    }

    for (const text of ["at once", "one by one"]) {
      it(`close the connection with 3491 and the text of the error (${text})`, async () => {
        const { runtime, url, failures } = await serve({ layers: chat(), maxGroupsPerConnection: 2 });
        runtime.route("/ws", Careless);
        const client = await Client.open(`${url}/ws`);
        client.websocket.send(text);
        expect(await client.closed).to.deep.equal({
          code: 3491,
          reason: "Too many groups: the limit is 2 (maxGroupsPerConnection)",
        });
        expect(failures).to.have.length(1);
        expect(failures[0]?.error)
          .to.be.instanceOf(LimitError)
          .and.include({ limit: "maxGroupsPerConnection" });
      });
    }

    it("refuse a connection that is not accepted yet with 503", async () => {
      const { runtime, url } = await serve({ layers: chat(), maxTagsPerConnection: 1 });
      runtime.route("/ws", Careless);
      const { status } = await Client.refused(`${url}/ws?early`);
      expect(status).to.equal(503);
    });

    it("are reported once a minute for each class and limit, and counted each time", async () => {
      const clock = new SimulatedClock();
      const runtime = start({ clock, maxGroupsPerConnection: 2, maxTagsPerConnection: 1 });
      const fail = async () => {
        const actor = await runtime.spawn(Careless);
        actor.receive("at once");
        expect((await actor.done).code).to.equal(3491);
      };
      for (let n = 0; n < 5; n += 1) await fail();
      expect(failures).to.have.length(1);
      expect(runtime.counters().limited.maxGroupsPerConnection).to.equal(5);
      await runtime.spawn(Careless, { query: new URLSearchParams("early") }).catch(() => {});
      expect(failures).to.have.length(2);
      clock.increment(60_000);
      await fail();
      expect(failures).to.have.length(3);
    });

    it("leave the supervision of the class as it is", async () => {
      class Lenient extends Careless {
        static override readonly supervision = { onFailure: "resume" } as const;
      }
      const { runtime, url } = await serve({ layers: chat(), maxGroupsPerConnection: 2 });
      runtime.route("/ws", Lenient);
      const joins = contract({
        path: "/joins",
        client: { join: z.object({ group: z.string() }) },
        server: {},
      });
      class Joins extends contractConsumer(joins) {
        static override readonly layer = "chat";
        static override readonly frames = frames<Joins>({
          join({ group }) {
            return this.groupAdd(group);
          },
        });
      }
      runtime.route(Joins);
      const lenient = await Client.open(`${url}/ws`);
      lenient.websocket.send("at once");
      await until(() => runtime.counters().limited.maxGroupsPerConnection === 1);
      const client = await Client.open(`${url}/joins`);
      for (const group of ["a", "b", "c"]) client.websocket.send(JSON.stringify({ type: "join", group }));
      expect(JSON.parse(String(await client.next()))).to.include({ code: "greenroom.failed" });
      expect(runtime.size).to.equal(2);
    });
  });
});
