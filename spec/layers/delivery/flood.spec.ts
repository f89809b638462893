import { expect } from "chai";
import { MemoryBus } from "../../../layers/memory/memory-bus.ts";
import type { MemoryLayerOptions } from "../../../layers/memory/memory-layer.ts";
import { MemoryLayer } from "../../../layers/memory/memory-layer.ts";
import type { Mail } from "../../../layers/message.ts";
import { createEncryption } from "../../../layers/wire/encryption.ts";
import { until } from "../support/until.ts";
import { keepWarnings } from "../support/warnings.ts";

const rounds = 5;
const perRound = 6_000;
const count = rounds * perRound;
const encryption = { keys: ["key"] };
const garbage = Buffer.from("not a message");
const readable = createEncryption(encryption).encrypt(Buffer.from("81a474797065a178", "hex"));

/** Payloads that flood a layer, and the drop reason that counts them. */
const floods = {
  "garbage on a plain layer": { payload: garbage, reason: "garbage", options: {} },
  "garbage on an encrypted layer": { payload: garbage, reason: "undecryptable", options: { encryption } },
  "payloads encrypted with another key": {
    payload: createEncryption({ keys: ["another"] }).encrypt(garbage),
    reason: "undecryptable",
    options: { encryption },
  },
} as const;

/** A layer with one member, and a function that floods it and returns the CPU time of that. */
async function start(options: Partial<MemoryLayerOptions>) {
  const bus = new MemoryBus();
  const layer = new MemoryLayer({ bus, ...options });
  let [sent, arrived] = [0, 0];
  const deliver = ({ message: { type } }: Mail) => {
    if (type === "end") arrived += 1;
  };
  await layer.groupAdd("group", await layer.newChannel({ deliver, gap() {} }));
  const flood = async (payload: Uint8Array) => {
    const before = process.cpuUsage();
    for (let index = 0; index < perRound; index += 1) bus.publish("greenroom__group__group", payload);
    await layer.groupSend("group", { type: "end" });
    sent += 1;
    await until(() => arrived === sent);
    const { user, system } = process.cpuUsage(before);
    return user + system;
  };
  return { layer, flood };
}

describe("ChannelLayer, flooded with unreadable payloads,", function () {
  this.timeout(60_000);
  const kept = keepWarnings();

  for (const [name, { payload, reason, options }] of Object.entries(floods)) {
    it(`counts all, warns a few times and stays fast: ${name}`, async () => {
      const startedAt = performance.now();
      const { layer, flood } = await start(options);
      // Shows how fast this machine is.
      const other = await start({ encryption });
      // Other work on the machine has disturbed the shortest round least.
      let [cost, otherCost] = [Number.POSITIVE_INFINITY, Number.POSITIVE_INFINITY];
      for (let round = 0; round < rounds; round += 1) {
        otherCost = Math.min(otherCost, await other.flood(readable));
        cost = Math.min(cost, await flood(payload));
      }
      const tookMs = performance.now() - startedAt;
      expect(other.layer.counters()).to.deep.include({ received: count + rounds, dropped: {} });
      expect(layer.counters()).to.deep.include({ received: count + rounds, dropped: { [reason]: count } });
      // One per five seconds.
      expect(kept.warnings).to.have.length.within(1, 1 + Math.floor(tookMs / 5_000));
      for (const warning of kept.warnings) {
        expect(warning).to.match(/^layer: A payload on "greenroom__group__group" (is not a|cannot be)/);
      }
      expect(cost / otherCost, "CPU time, compared to encrypted messages").to.be.lessThan(10);
      await Promise.all([layer.close(), other.layer.close()]);
    });
  }
});
