import { expect } from "chai";
import { StreamPublisher } from "../../../../layers/redis/streams/stream-publisher.ts";

describe("StreamPublisher", () => {
  let calls: [topic: string, payloads: string[]][];
  let answers: PromiseWithResolvers[];
  let publisher: StreamPublisher;
  beforeEach(() => {
    calls = [];
    answers = [];
    publisher = new StreamPublisher((topic, payloads) => {
      calls.push([topic, payloads.map(String)]);
      return new Promise((resolve, reject) => answers.push({ resolve: () => resolve(undefined), reject }));
    });
  });

  interface PromiseWithResolvers {
    resolve(): void;
    reject(error: Error): void;
  }

  const publish = (topic: string, text: string) => publisher.publish(topic, Buffer.from(text));
  const turnEnd = () => new Promise<void>((resolve) => setImmediate(resolve));

  it("sends the payloads of one turn for a topic in one call, in order", async () => {
    for (const text of ["1", "2"]) {
      for (const topic of ["a", "b"]) void publish(topic, text);
      await new Promise<void>((resolve) => process.nextTick(resolve));
    }
    expect(calls).to.deep.equal([]);
    await turnEnd();
    expect(calls).to.deep.equal([
      ["a", ["1", "2"]],
      ["b", ["1", "2"]],
    ]);
    void publish("a", "3");
    await turnEnd();
    expect(calls.slice(2)).to.deep.equal([["a", ["3"]]]);
  });

  it("sends the bytes of any kind of array unchanged", async () => {
    const bytes = new Uint8Array([0, 104, 105, 0]).subarray(1, 3);
    void publisher.publish("a", bytes);
    await turnEnd();
    expect(calls).to.deep.equal([["a", ["hi"]]]);
  });

  it("splits more than 100 payloads, or more than 256 KiB, into several calls", async () => {
    for (let number = 0; number < 250; number += 1) void publish("many", String(number));
    for (let number = 0; number < 5; number += 1) void publish("large", "x".repeat(100 * 1024));
    void publish("huge", "x".repeat(1024 * 1024));
    void publish("huge", "y");
    await turnEnd();
    const sizes = (wanted: string) =>
      calls.flatMap(([topic, payloads]) => (topic === wanted ? [payloads.length] : []));
    expect(sizes("many")).to.deep.equal([100, 100, 50]);
    expect(sizes("large")).to.deep.equal([2, 2, 1]);
    expect(sizes("huge")).to.deep.equal([1, 1]);
    const many = calls.flatMap(([topic, payloads]) => (topic === "many" ? payloads : []));
    expect(many).to.deep.equal(Array.from({ length: 250 }, (_, number) => String(number)));
  });

  it("settles each publish as its call does", async () => {
    const outcomes = Promise.allSettled([publish("a", "1"), publish("b", "2"), publish("a", "3")]);
    await turnEnd();
    answers[0]?.reject(new Error("down"));
    answers[1]?.resolve();
    expect((await outcomes).map(({ status }) => status)).to.deep.equal(["rejected", "fulfilled", "rejected"]);
  });

  it("sends waiting payloads at once when it is flushed", () => {
    for (const topic of ["a", "b", "c"]) void publish(topic, "1");
    publisher.flush("b");
    expect(calls).to.deep.equal([["b", ["1"]]]);
    publisher.flush();
    expect(calls.slice(1)).to.deep.equal([
      ["a", ["1"]],
      ["c", ["1"]],
    ]);
  });
});
