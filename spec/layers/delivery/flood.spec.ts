import { expect } from "chai";
import { MemoryBus } from "../../../layers/memory/memory-bus.ts";
import { MemoryLayer } from "../../../layers/memory/memory-layer.ts";
import { Recorder } from "../../../layers/testing/index.ts";
import { createEncryption } from "../../../layers/wire/encryption.ts";
import { keepWarnings } from "../support/warnings.ts";

const count = 30_000;
const encryption = { keys: ["key"] };
const garbage = Buffer.from("not a message");

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

describe("ChannelLayer, flooded with unreadable payloads,", function () {
  this.timeout(60_000);
  const kept = keepWarnings();

  for (const [name, { payload, reason, options }] of Object.entries(floods)) {
    it(`counts all, warns a few times and stays fast: ${name}`, async () => {
      const bus = new MemoryBus();
      const layer = new MemoryLayer({ bus, ...options });
      const inbox = new Recorder();
      await layer.groupAdd("group", await layer.newChannel(inbox));
      const before = process.cpuUsage();
      for (let index = 0; index < count; index += 1) bus.publish("greenroom__group__group", payload);
      await layer.groupSend("group", { type: "end" });
      await inbox.next("end");
      const { user, system } = process.cpuUsage(before);
      expect(layer.counters().dropped).to.deep.equal({ [reason]: count });
      expect(layer.counters().received).to.equal(count + 1);
      // One per five seconds.
      expect(kept.warnings).to.have.length.within(1, 3);
      for (const warning of kept.warnings) {
        expect(warning).to.match(/^layer: A payload on "greenroom__group__group" (is not a|cannot be)/);
      }
      expect((user + system) / count, "µs of CPU per payload").to.be.lessThan(100);
      await layer.close();
    });
  }
});
