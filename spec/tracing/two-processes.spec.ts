import { randomBytes } from "node:crypto";
import { AlwaysOffSampler, ParentBasedSampler, type Sampler } from "@opentelemetry/sdk-trace-node";
import { expect } from "chai";
import { traceRuntime } from "greenroom/tracing";
import { Redis } from "ioredis";
import { encode } from "../../layers/wire/codec.ts";
import { Topics } from "../../layers/wire/topics.ts";
import { until } from "../layers/support/until.ts";
import { Client } from "../support/client.ts";
import { redisUrl } from "../support/redis.ts";
import { serve, stopServing } from "../support/serving.ts";
import { OtherNode } from "./support/other-node.ts";
import type { RecordedSpans, SeenSpan } from "./support/recorded-spans.ts";
import { register, unregister } from "./support/registered.ts";
import { redisLayer, Speaker } from "./support/traced-room.ts";

const kinds = ["pub/sub", "streams"] as const;
const prefix = `tracing-${randomBytes(6).toString("hex")}`;
const topics = new Topics(prefix);
const traceId = "0af7651916cd43dd8448eb211c80319c";
const valid = `00-${traceId}-b7ad6b7169203331-01`;

describe("Traces over two processes and Redis", function () {
  this.timeout(60_000);
  const nodes = { "pub/sub": new OtherNode(), streams: new OtherNode() };
  let recorded: RecordedSpans;

  before(() => Promise.all(kinds.map((kind) => nodes[kind].start(kind, prefix))));
  after(() => Promise.all(kinds.map((kind) => nodes[kind].stop())));
  afterEach(async () => {
    await stopServing();
    unregister();
  });

  for (const kind of kinds) {
    describe(`with ${kind}`, () => {
      const node = nodes[kind];

      async function start(sampler?: Sampler) {
        node.spans.length = 0;
        recorded = register(sampler);
        const { runtime, url } = await serve({ layers: { chat: redisLayer(kind, redisUrl(), prefix) } });
        runtime.route("/speak", Speaker);
        traceRuntime(runtime);
        await runtime.ready();
        return { runtime, client: await Client.open(`${url}/speak`) };
      }

      const all = () => [...recorded.spans, ...node.spans];

      async function spans(name: string, count = 1): Promise<readonly SeenSpan[]> {
        const found = () => all().filter((span) => span.name === name);
        await until(() => found().length >= count && recorded.open === 0);
        return found();
      }

      /** The names of the span and of its ancestors, each with "here" or "there", its process. */
      function trail(last: SeenSpan | undefined): string[] {
        if (last === undefined) return [];
        const parent = all().find(({ spanId }) => spanId === last.parentId);
        return [`${last.name}, ${last.pid === process.pid ? "here" : "there"}`, ...trail(parent)];
      }

      it("have one id, from a client's frame to the handler on the other node", async () => {
        const { client } = await start();
        client.send("say hello");
        // The delivery ends after its last handler.
        await spans("deliver said");
        const [last] = await spans("Listener said");
        expect(trail(last)).to.deep.equal([
          "Listener said, there",
          "deliver said, there",
          "groupSend said, here",
          "Speaker receive, here",
        ]);
        expect(
          new Set(
            all()
              .filter(({ name }) => !/connect/.test(name))
              .map((span) => span.traceId),
          ).size,
        ).to.equal(1);
      });

      it("go on in asks, asks of a group and direct sends", async () => {
        const { client } = await start();
        client.send("add");
        expect(await client.next()).to.equal("3");
        expect((await spans("Listener add", 3)).map(trail).sort()).to.deep.equal(
          ["ask add", "askGroup add", "send add"].map((sent) => [
            "Listener add, there",
            `${sent}, here`,
            "Speaker receive, here",
          ]),
        );
      });

      it("are not continued with a malformed traceparent, and bound what a span holds", async () => {
        const { client, runtime } = await start();
        const { chat } = runtime.layers;
        const { tracer } = chat;
        /** Sends as any program with access to Redis can. */
        const send = async (type: string, envelope: object) => {
          chat.tracer = {
            deliver: () => undefined,
            job: () => ({ run: (work) => work(), end() {} }),
            send: (_operation, _destination, _type, sendWith) => sendWith(envelope as never),
          };
          await chat.groupSend("room", { type, text: "hostile" });
          chat.tracer = tracer;
        };
        for (const traceparent of [
          ...["", "00", "x".repeat(1_000_000), 7, null, [], { toString: 1 }, `${valid}x`],
          ...[`00-${"0".repeat(32)}-b7ad6b7169203331-01`, `00-${traceId}-${"0".repeat(16)}-01`],
          ...[`ff${valid.slice(2)}`, valid.toUpperCase()],
        ])
          await send("said", { traceparent });
        await send("t".repeat(100_000), { traceparent: valid, tracestate: `a=${"b".repeat(100_000)}` });
        await send("add", { traceparent: valid, tracestate: { a: "b" } });
        client.send("say hello");
        await spans("Listener said");
        await spans("deliver said");
        expect(node.spans.map(({ name }) => name.slice(0, 12))).to.have.members([
          ...["deliver tttt", "Listener ttt", "deliver add", "Listener add"],
          ...["deliver said", "Listener sai"],
        ]);
        expect(JSON.stringify(node.spans).length).to.be.lessThan(5_000);
      });

      it("keep the decision of a parent-based sampler, and change no byte of a message", async () => {
        const subscriber = new Redis(redisUrl());
        const topic = topics.group("room");
        if (kind === "pub/sub") await subscriber.subscribe(topic);
        const received = new Promise<Buffer>((resolve) => {
          subscriber.once("messageBuffer", (_topic: Buffer, payload: Buffer) => resolve(payload));
        });
        const { client, runtime } = await start(new ParentBasedSampler({ root: new AlwaysOffSampler() }));
        client.send("say hello");
        client.send("add");
        expect(await client.next()).to.equal("3");
        if (kind === "streams") {
          client.send("submit");
          await until(() => node.worked === 1);
          // Outside of a handler, a job carries no decision. So the other node decides.
          const id = await runtime.submit("tasks", { type: "resize" });
          await until(() => node.worked === 2);
          const works = await spans("work tasks");
          expect(works.map(({ attributes }) => attributes["messaging.message.id"])).to.deep.equal([id]);
        } else {
          const payload = await received;
          const except = /\w+![a-z0-9]+/.exec(payload.toString("latin1"))?.[0] ?? "";
          expect(payload.equals(encode({ type: "said", text: "hello" }, { except }))).to.equal(true);
        }
        expect(node.spans.map(({ name }) => name)).to.deep.equal(kind === "streams" ? ["work tasks"] : []);
        expect(recorded.spans).to.deep.equal([]);
        subscriber.disconnect();
      });
    });
  }

  it("lead from a frame over another node to the worker, and back to the submitter", async () => {
    const node = nodes.streams;
    node.spans.length = 0;
    recorded = register();
    const { runtime, url } = await serve({ layers: { chat: redisLayer("streams", redisUrl(), prefix) } });
    runtime.route("/speak", Speaker);
    traceRuntime(runtime);
    await runtime.ready();
    await runtime.worker("jobs", (_message, { progress }) => progress("half"));
    const client = await Client.open(`${url}/speak`);
    client.send("say work");
    await until(() => node.spans.some(({ name }) => name === "Listener job_done") && recorded.open === 0);
    const spans = [...recorded.spans, ...node.spans];
    const frame = spans.find(({ name }) => name === "Speaker receive");
    const ofTrace = spans.filter((span) => span.traceId === frame?.traceId);
    const parents = ofTrace.map(({ name, parentId }) => [
      name,
      ofTrace.find(({ spanId }) => spanId === parentId)?.name,
    ]);
    expect(Object.fromEntries(parents)).to.deep.equal({
      "Speaker receive": undefined,
      "groupSend said": "Speaker receive",
      "deliver said": "groupSend said",
      "Listener said": "deliver said",
      "submit jobs": "Listener said",
      "work jobs": "submit jobs",
      "send job_progress": "work jobs",
      "Listener job_progress": "send job_progress",
      "send job_done": "work jobs",
      "Listener job_done": "send job_done",
    });
    expect(parents).to.have.length(10);
  });
});
