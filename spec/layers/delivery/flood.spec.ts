import { expect } from "chai";
import { MemoryBus } from "../../../layers/memory/memory-bus.ts";
import { MemoryLayer } from "../../../layers/memory/memory-layer.ts";
import { Recorder } from "../../../layers/testing/index.ts";
import { createEncryption } from "../../../layers/wire/encryption.ts";
import { keepWarnings } from "../support/warnings.ts";

const count = 30_000;
const encryption = { keys: ["key"] };
const garbage = Buffer.from("no message at all");

/** What strangers flood a layer with, and what it is counted as. */
const floods = {
  "garbage on a plain layer": { payload: garbage, reason: "garbage", options: {} },
  "garbage on an encrypted layer": { payload: garbage, reason: "undecryptable", options: { encryption } },
  "what was encrypted with another key": {
    payload: createEncryption({ keys: ["another"] }).encrypt(garbage),
    reason: "undecryptable",
    options: { encryption },
  },
} as const;

describe("a flood of what nobody can read", function () {
  this.timeout(30_000);
  const kept = keepWarnings();

  for (const [what, { payload, reason, options }] of Object.entries(floods)) {
    it(`is counted to the last, warned of a few times, and soon over: ${what}`, async () => {
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
      // One in five seconds.
      expect(kept.warnings).to.have.length.within(1, 3);
      for (const warning of kept.warnings) {
        expect(warning).to.match(/^layer: A payload on "greenroom__group__group" (is not a|cannot be)/);
      }
      expect((user + system) / count, "µs of CPU for each").to.be.lessThan(100);
      await layer.close();
    });
  }
});
