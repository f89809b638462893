import { expect } from "chai";
import { createRuntime } from "greenroom";
import { jobGroup } from "../../demo/jobs/job.ts";
import { startWorker } from "../../demo/jobs/worker.ts";
import { createLayers } from "../../demo/layers.ts";
import { type Demo, startDemo } from "../../demo/server.ts";
import { Client } from "../support/client.ts";

// Other programs rely on these texts: do not change them.

interface Told {
  readonly status?: string;
  readonly type?: string;
  readonly job_id?: string;
  readonly message?: string;
  readonly percent?: number;
}

describe("the demo's background jobs", () => {
  let demo: Demo;
  beforeEach(async () => {
    demo = await startDemo({ port: 0, jobStepMs: 1 });
  });
  afterEach(() => demo.close());

  async function open(): Promise<Client> {
    const client = await Client.open(`${demo.url}/ws/backgroundjob`);
    expect(await receive(client)).to.deep.equal({
      status: "connected",
      message: "🔄 Background Job Processor: Connected!",
    });
    return client;
  }
  const receive = async (client: Client): Promise<Told> => JSON.parse(String(await client.next()));
  const send = (client: Client, value: unknown) => client.send(JSON.stringify(value));

  /** The frames up to the next result, inclusive. */
  async function untilResult(client: Client): Promise<Told[]> {
    const all: Told[] = [];
    while (all.at(-1)?.type !== "job_result") all.push(await receive(client));
    return all;
  }

  it("reports that a job is queued, then its progress and its result", async () => {
    const client = await open();
    send(client, { type: "translate", content: "hello" });
    const [queuing, queued, ...rest] = await untilResult(client);
    expect(queuing).to.deep.equal({ status: "queuing", message: "⏳ Queuing translate job: hello" });
    const id = queued?.job_id ?? "";
    expect(queued).to.deep.equal({
      status: "queued",
      job_id: id,
      message: `📋 Job ${id} queued successfully! Worker will process it shortly...`,
    });
    expect(rest.pop()).to.deep.equal({
      type: "job_result",
      job_id: id,
      message: "🌍 Translated: 'hello' → 'hola'",
    });
    const percents = rest.map(({ percent = -1 }) => percent);
    expect(rest).to.deep.equal(percents.map((percent) => ({ type: "job_progress", job_id: id, percent })));
    expect(percents).to.deep.equal([...new Set(percents)].sort((one, other) => one - other));
    expect(percents.at(-1)).to.equal(100);
  });

  const results: readonly (readonly [type: unknown, content: string, result: string | RegExp])[] = [
    ["translate", "World", "🌍 Translated: 'World' → 'mundo'"],
    ["translate", "good morning", "🌍 Translated: 'good morning' → 'buenos días'"],
    ["translate", "thank you", "🌍 Translated: 'thank you' → 'gracias'"],
    ["translate", "constructor", "🌍 Translated: 'constructor' → '[TRANSLATED: constructor]'"],
    [
      "analyze",
      "Grüß die Welt 🌍",
      "📊 Analysis of 'Grüß die Welt 🌍':\n• Characters: 15\n• Words: 4\n• Vowels: 3\n• Consonants: 8",
    ],
    ["generate", "How is the Weather?", /^🤖 AI Response to 'How is the Weather\?':\n.*window/],
    ["generate", "What do I eat?", /^🤖 AI Response to 'What do I eat\?':\n.*warm/],
    ["generate", "Help!", /^🤖 AI Response to 'Help!':\n.*part/],
    ["generate", "else", /^🤖 AI Response to 'else':\n.*more/],
    ["default", "quiet", "✅ Processed: QUIET"],
    ["unheard of", "quiet", "✅ Processed: QUIET"],
    [{ toString: null }, "quiet", "✅ Processed: QUIET"],
    [undefined, "quiet", "✅ Processed: QUIET"],
  ];
  for (const [type, content, result] of results) {
    it(`runs ${JSON.stringify(type)} on ${JSON.stringify(content)}`, async () => {
      const client = await open();
      send(client, { type, content });
      const { message } = (await untilResult(client)).at(-1) ?? {};
      if (typeof result === "string") expect(message).to.equal(result);
      else expect(message).to.match(result);
    });
  }

  it("answers an invalid job with an error, and keeps the connection", async () => {
    const client = await open();
    for (const text of [
      "{",
      "null",
      "7",
      "[]",
      "{}",
      '{"type":"translate"}',
      '{"content":""}',
      '{"content":7}',
    ]) {
      client.send(text);
      const { status, message } = await receive(client);
      expect([status, message?.slice(0, 2)], text).to.deep.equal(["error", "❌ "]);
    }
    send(client, { content: "fine" });
    expect((await untilResult(client)).at(-1)?.message).to.equal("✅ Processed: FINE");
  });

  describe("watched", () => {
    it("continues after its tab is closed, and is reported to each client that watches its id", async () => {
      const client = await open();
      send(client, { type: "analyze", content: "a" });
      const [, queued] = [await receive(client), await receive(client)];
      await client.close();
      const later = await open();
      send(later, { type: "watch", job_id: queued.job_id });
      const all = await untilResult(later);
      expect(all.at(-1)).to.have.property("job_id", queued.job_id);
      expect(all.slice(0, -1).every(({ type }) => type === "job_progress")).to.equal(true);
    });

    it("is reported at once and once if it is done", async () => {
      const client = await open();
      send(client, { content: "a" });
      const { job_id: id } = (await untilResult(client)).at(-1) ?? {};
      const later = await open();
      for (const each of [later, client]) {
        send(each, { type: "watch", job_id: id });
        expect(await receive(each)).to.deep.equal({
          type: "job_result",
          job_id: id,
          message: "✅ Processed: A",
        });
      }
      send(later, { content: "b" });
      expect(await receive(later)).to.have.property("status", "queuing");
    });

    it("is refused for an unknown job and for an invalid id", async () => {
      const client = await open();
      for (const id of ["never-was", "a b", "x".repeat(91), 7, null, undefined]) {
        send(client, { type: "watch", job_id: id });
        expect(await receive(client), String(id)).to.have.property("status", "error");
      }
    });

    it("is limited to 100 jobs per connection", async () => {
      await demo.close();
      demo = await startDemo({ port: 0, jobStepMs: 60_000 });
      const client = await open();
      for (let n = 0; n <= 100; n += 1) send(client, { content: "slow" });
      let queued = 0;
      let said = await receive(client);
      for (; said.status !== "error"; said = await receive(client)) if (said.status === "queued") queued += 1;
      expect([queued, said.message]).to.deep.equal([
        100,
        "❌ A connection can watch at most 100 jobs at a time.",
      ]);
      for (let n = 0; n < 100; n += 1) send(client, { type: "watch", job_id: `unknown-${n}` });
      for (let n = 0; n < 100; n += 1) expect(await receive(client)).to.have.property("status", "error");
    });

    it("is reported again to a client that watches it already", async () => {
      await demo.close();
      demo = await startDemo({ port: 0, jobStepMs: 60_000 });
      const client = await open();
      send(client, { content: "slow" });
      const [, queued, progress] = [await receive(client), await receive(client), await receive(client)];
      expect(progress).to.deep.equal({ type: "job_progress", job_id: queued.job_id, percent: 0 });
      send(client, { type: "watch", job_id: queued.job_id });
      expect(await receive(client)).to.deep.equal(progress);
    });

    it("does not count unknown jobs against the limit", async () => {
      const client = await open();
      for (const n of [1, 2]) {
        send(client, { type: "watch", job_id: "never-was" });
        expect((await receive(client)).message, `time ${n}`).to.contain("Job never-was is unknown");
      }
    });
  });

  it("reports the failure of a job after its last attempt", async () => {
    const runtime = createRuntime({ layers: createLayers(undefined), control: "chat", onError() {} });
    const lines: string[] = [];
    const failed = new Promise<void>((resolve) => {
      const onJob = (line: string) =>
        lines.push(line) > 0 && line.endsWith("failed at every attempt") && resolve();
      void startWorker(runtime, { stepMs: 0, onJob });
    });
    const id = await runtime.submit(
      "jobs",
      { type: "job", kind: "nonsense", content: "" },
      { layer: "queue" },
    );
    await failed;
    const { entries } = await runtime.layers.queue.history(jobGroup(id));
    expect(entries.at(-1)?.message).to.deep.equal({
      type: "job_result",
      message: "❌ The job failed three times, and is not retried.",
    });
    await runtime.close();
  });
});
