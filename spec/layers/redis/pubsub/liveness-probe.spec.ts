import { expect } from "chai";
import { SimulatedClock } from "xstate";
import { LivenessProbe } from "../../../../layers/redis/pubsub/liveness-probe.ts";

const turn = () => new Promise((resolve) => setImmediate(resolve));

/** A probe every second with half a second to come back, over connections that do what a spec tells them. */
function start() {
  const clock = new SimulatedClock();
  const tokens: string[] = [];
  const heard: string[] = [];
  const connections = {
    /** How many connections a publish reaches; nothing where it is not answered, an error where it is refused. */
    receivers: 1 as number | Error | undefined,
    isAnswering: true,
    isSubscribable: true,
    isEchoing: true,
  };
  const probe = new LivenessProbe(
    {
      async subscribe() {
        if (!connections.isSubscribable) throw new Error("NOPERM");
      },
      async publish(token) {
        tokens.push(token);
        const { receivers, isEchoing } = connections;
        if (receivers instanceof Error) throw receivers;
        if (receivers === undefined) return new Promise<never>(() => {});
        if (isEchoing) probe.received(Buffer.from(token));
        return receivers;
      },
      ping: () => (connections.isAnswering ? Promise.reject(new Error("NOPERM")) : new Promise(() => {})),
      lost: (why) => heard.push(why.message),
      refused: (error) => heard.push(`refused: ${error.message}`),
    },
    { intervalMs: 1_000, deadlineMs: 500, clock, random: () => 0.5 },
  );
  const pass = async (ms: number) => {
    clock.increment(ms);
    await turn();
  };
  return { clock, probe, connections, tokens, heard, pass };
}

describe("LivenessProbe", () => {
  it("goes out at an interval, with a token of its own each time, and is content when it comes back", async () => {
    const { probe, tokens, heard, pass } = start();
    await probe.start();
    for (let seconds = 0; seconds < 3; seconds += 1) await pass(1_000);
    expect(new Set(tokens).size).to.equal(3);
    await pass(900);
    expect(heard).to.deep.equal([]);
  });

  it("takes its pauses at random, so that nodes do not all probe at once", async () => {
    const pauses: number[] = [];
    const clock = { setTimeout: (_: unknown, ms: number) => pauses.push(ms), clearTimeout() {} };
    for (const random of [0, 0.5, 1]) {
      const commands = { ...silent, subscribe: async () => {} };
      await new LivenessProbe(commands, {
        intervalMs: 1_000,
        deadlineMs: 500,
        clock,
        random: () => random,
      }).start();
    }
    expect(pauses).to.deep.equal([750, 1_000, 1_250]);
  });

  it("finds the connection lost when the probe was published and does not come back, once", async () => {
    const { probe, connections, heard, pass } = start();
    await probe.start();
    connections.isEchoing = false;
    await pass(1_000);
    await pass(499);
    expect(heard).to.deep.equal([]);
    await pass(1);
    expect(heard).to.deep.equal(["a probe did not come back within 500 ms"]);
    await pass(10_000);
    expect(heard).to.have.length(1);
  });

  it("finds it lost at once when the server says that nobody is subscribed", async () => {
    const { probe, connections, heard, pass } = start();
    await probe.start();
    Object.assign(connections, { receivers: 0, isEchoing: false });
    await pass(1_000);
    expect(heard).to.deep.equal(["the server has forgotten what was subscribed"]);
  });

  it("finds it lost when nothing is answered, though nothing can be published", async () => {
    const { probe, connections, heard, pass } = start();
    await probe.start();
    Object.assign(connections, { receivers: new Error("down"), isAnswering: false });
    await pass(1_000);
    await pass(500);
    expect(heard).to.deep.equal(["no answer within 500 ms"]);
  });

  it("does not blame it for the other connection, and goes on", async () => {
    const { probe, connections, tokens, heard, pass } = start();
    await probe.start();
    for (const receivers of [new Error("down"), undefined]) {
      connections.receivers = receivers;
      await pass(1_000);
      await pass(500);
    }
    connections.receivers = 1;
    await pass(1_000);
    expect(tokens.length).to.be.greaterThan(2);
    expect(heard).to.deep.equal([]);
  });

  it("takes neither an old token nor what others publish for its own", async () => {
    const { probe, connections, tokens, heard, pass } = start();
    await probe.start();
    await pass(1_000);
    connections.isEchoing = false;
    await pass(1_000);
    for (const text of [tokens[0] ?? "", "", "garbage"]) probe.received(Buffer.from(text));
    await pass(500);
    expect(heard).to.have.length(1);
  });

  it("asks for answers only where its topic may not be subscribed, and says so", async () => {
    const { probe, connections, tokens, heard, pass } = start();
    connections.isSubscribable = false;
    await probe.start();
    await pass(1_000);
    connections.isAnswering = false;
    await pass(1_000);
    await pass(500);
    expect(tokens).to.deep.equal([]);
    expect(heard).to.deep.equal(["refused: NOPERM", "no answer within 500 ms"]);
  });

  it("stops at once, whatever is under way, and starts anew", async () => {
    const { probe, connections, tokens, heard, pass } = start();
    await probe.start();
    connections.isEchoing = false;
    await pass(1_000);
    probe.stop();
    await pass(10_000);
    expect([tokens.length, heard.length]).to.deep.equal([1, 0]);
    void probe.start();
    probe.stop();
    await turn();
    await pass(10_000);
    expect(tokens).to.have.length(1);
    connections.isEchoing = true;
    await probe.start();
    await pass(1_000);
    expect([tokens.length, heard.length]).to.deep.equal([2, 0]);
  });
});

/** What happens to nobody. */
const silent = {
  subscribe: () => new Promise(() => {}),
  publish: () => new Promise<number>(() => {}),
  ping: () => new Promise(() => {}),
  lost() {},
  refused() {},
};
