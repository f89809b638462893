import { randomUUID } from "node:crypto";
import { fileURLToPath } from "node:url";
import { expect } from "chai";
import { RedisPubSubLayer } from "greenroom/redis";
import { Recorder } from "../../layers/testing/index.ts";
import { startProcess } from "../support/child-process.ts";
import { redisUrl } from "../support/redis.ts";

// Needs Debian's python3-cryptography, python3-msgpack and python3-redis, which .ci/run installs.

const peer = fileURLToPath(new URL("encryption_peer.py", import.meta.url));
const python = process.env.PYTHON ?? "/usr/bin/python3";

const question = {
  type: "chat.question",
  text: "Où est la loge ? 🎭",
  numbers: [0, -1, 1.5, 2 ** 40, 2n ** 60n],
  bytes: Buffer.from([0, 255]),
};

/**
 * The answer of a Python process with the keys `theirs` to a layer with `ours`, and the drops. An encrypted message names
 * its topic in a field of the layer, which Python sees, too.
 */
async function ask(ours: (string | Uint8Array)[], theirs: string[], sent: { type: string }) {
  const prefix = `sealed-${randomUUID()}`;
  const args = [peer, redisUrl(), `${prefix}__group__room_general`, ...theirs];
  const other = await startProcess(python, args, (line) => line === "ready");
  const layer = new RedisPubSubLayer({ url: redisUrl(), prefix, encryption: { keys: ours } });
  const refused = new Promise<void>((resolve) => {
    layer.onError = () => resolve();
  });
  try {
    const inbox = new Recorder();
    await layer.groupAdd("room_general", await layer.newChannel(inbox));
    await layer.groupSend("room_general", sent);
    await Promise.race([inbox.next("chat.answer"), refused]);
    const answer = inbox.messages.find(({ type }) => type === "chat.answer");
    const { dropped } = layer.counters();
    if (answer === undefined) return { got: undefined, dropped };
    const { __greenroom__: ofLayer, ...got } = answer.got as Record<string, unknown>;
    expect(ofLayer).to.deep.equal({ topic: `${prefix}__group__room_general` });
    return { got, dropped };
  } finally {
    process.kill(other.pid);
    await other.exited;
    await layer.close();
  }
}

describe("an encrypted group shared with Python", () => {
  it("carries messages both ways, with every msgpack type", async () => {
    expect(await ask(["schlüssel"], ["schlüssel"], question)).to.deep.equal({ got: question, dropped: {} });
  });

  it("carries messages of every length up to several cipher blocks", async () => {
    for (const length of [0, 1, 14, 15, 16, 17, 100_000]) {
      const sent = { type: "chat.question", bytes: Buffer.alloc(length, 7) };
      expect(await ask(["key"], ["key"], sent)).to.deep.equal({ got: sent, dropped: {} });
    }
  });

  it("carries messages during a key rotation: each side encrypts with its first key and decrypts with all", async () => {
    const ours = [Buffer.from("new"), "old"];
    expect(await ask(ours, ["old", "new"], question)).to.deep.equal({ got: question, dropped: {} });
  });

  it("carries no message without a common key", async () => {
    expect(await ask(["ours"], ["theirs"], question)).to.deep.equal({
      got: undefined,
      dropped: { undecryptable: 1 },
    });
  });
});
