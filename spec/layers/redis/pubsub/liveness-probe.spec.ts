import { expect } from "chai";
import { SimulatedClock } from "xstate";
import { LivenessProbe } from "../../../../layers/redis/pubsub/liveness-probe.ts";

const turn = () => new Promise((resolve) => setImmediate(resolve));

/** A probe every second with a deadline of half a second, over connections that a spec controls. */
function start() {
  const clock = new SimulatedClock();
  const tokens: string[] = [];
  const heard: string[] = [];
  const connections = {
    /** The reply to a publish: the number of receivers, an error, or undefined if there is no reply. */
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
  it("publishes a new token at each interval, and reports nothing if it comes back", async () => {
    const { probe, tokens, heard, pass } = start();
    await probe.start();
    for (let seconds = 0; seconds < 3; seconds += 1) await pass(1_000);
    expect(new Set(tokens).size).to.equal(3);
    await pass(900);
    expect(heard).to.deep.equal([]);
  });

  it("varies its pauses at random, so that nodes do not all probe at once", async () => {
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

  it("reports the connection as lost, once, if a published probe does not come back", async () => {
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

  it("reports the connection as lost at once if the server has no subscriber", async () => {
    const { probe, connections, heard, pass } = start();
    await probe.start();
    Object.assign(connections, { receivers: 0, isEchoing: false });
    await pass(1_000);
    expect(heard).to.deep.equal(["the server has lost the subscriptions"]);
  });

  it("reports the connection as lost if it does not reply, even if nothing can be published", async () => {
    const { probe, connections, heard, pass } = start();
    await probe.start();
    Object.assign(connections, { receivers: new Error("down"), isAnswering: false });
    await pass(1_000);
    await pass(500);
    expect(heard).to.deep.equal(["no answer within 500 ms"]);
  });

  it("reports nothing if the other connection fails, and continues", async () => {
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

  it("accepts neither an old token nor a payload of another publisher", async () => {
    const { probe, connections, tokens, heard, pass } = start();
    await probe.start();
    await pass(1_000);
    connections.isEchoing = false;
    await pass(1_000);
    for (const text of [tokens[0] ?? "", "", "garbage"]) probe.received(Buffer.from(text));
    await pass(500);
    expect(heard).to.have.length(1);
  });

  it("only pings if its topic may not be subscribed, and reports the refusal", async () => {
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

  it("stops at once in any state, and can be started again", async () => {
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

/** Never settles. */
const silent = {
  subscribe: () => new Promise(() => {}),
  publish: () => new Promise<number>(() => {}),
  ping: () => new Promise(() => {}),
  lost() {},
  refused() {},
};
