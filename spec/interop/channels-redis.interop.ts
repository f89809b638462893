import { randomUUID } from "node:crypto";
import { fileURLToPath } from "node:url";
import { expect } from "chai";
import type { Mail } from "greenroom";
import { RedisPubSubLayer } from "greenroom/redis";
import { startProcess } from "../support/child-process.ts";
import { redisUrl } from "../support/redis.ts";

// Needs Debian's python3-channels-redis, which .ci/run installs; `npm test` checks the bytes on the wire
// without it.

const peer = fileURLToPath(new URL("channels_redis_peer.py", import.meta.url));
const python = process.env.PYTHON ?? "/usr/bin/python3";

describe("a group shared with Django Channels", () => {
  it("carries messages both ways, with every msgpack type", async () => {
    const prefix = `interop-${randomUUID()}`;
    const layer = new RedisPubSubLayer({ url: redisUrl(), prefix });
    const django = await startProcess(python, [peer, redisUrl(), prefix], (line) => line === "ready");
    try {
      const answers: Mail[] = [];
      const answered = new Promise<void>((resolve) => {
        const deliver = (mail: Mail) => {
          if (mail.message.type === "chat.answer") resolve(void answers.push(mail));
        };
        void layer.newChannel({ deliver, gap() {} }).then(async (channel) => {
          await layer.groupAdd("room_general", channel);
          await layer.groupSend("room_general", question);
        });
      });
      await answered;
      expect(answers[0]?.delivery.group).to.equal("room_general");
      expect(answers[0]?.message.got).to.deep.equal({ ...question, bytes: Buffer.from([0, 255]) });
      expect(answers[0]?.message.keys).to.deep.equal(Object.keys(question).sort());
    } finally {
      process.kill(django.pid);
      await django.exited;
      await layer.close();
    }
  });
});

const question = {
  type: "chat.question",
  text: "Où est la loge ? 🎭",
  numbers: [0, -1, 1.5, 2 ** 40, 2n ** 60n],
  flags: { yes: true, no: false, nothing: null },
  bytes: new Uint8Array([0, 255]),
};
