import { expect } from "chai";
import { contractConsumer, createRuntime, frames } from "greenroom";
import { contract } from "greenroom/contract";
import { communicateWith } from "greenroom/testing";
import { z } from "zod";
import { nextTurn } from "../../support/next-turn.ts";
import { unlessByMachine } from "../../support/serving.ts";

/** The number of promises of {@link unavailable} that were rejected. */
let rejected = 0;
const unavailable = async (): Promise<boolean> => {
  rejected += 1;
  throw new Error("No database");
};
const checked = z.object({ n: z.number().refine(unavailable) });

const room = contract({
  path: "/room",
  client: { check: checked, send: z.object({ n: z.number() }), ask: { payload: z.number(), reply: checked } },
  server: { sent: checked },
});

class Room extends contractConsumer(room) {
  static override readonly frames = frames<Room>({
    check: () => expect.fail("called"),
    send(payload) {
      this.send("sent", payload);
    },
    ask: (n) => ({ n }),
  });
}

describe("A schema that leaves rejected promises behind, as zod does for asynchronous checks,", () => {
  const errors: string[] = [];
  let others: NodeJS.UnhandledRejectionListener[] = [];
  let runtime: ReturnType<typeof createRuntime>;
  beforeEach(() => {
    errors.length = 0;
    rejected = 0;
    // The listeners of the specs would fail this spec.
    others = process.listeners("unhandledRejection");
    for (const listener of others) process.off("unhandledRejection", listener);
    runtime = createRuntime({
      layers: {},
      guards: [],
      onError: unlessByMachine((error, { stage }) => errors.push(`${stage}: ${error}`)),
    });
    runtime.route(Room);
  });
  afterEach(async () => {
    await runtime.close();
    for (const listener of others) process.on("unhandledRejection", listener);
  });

  for (const [frame, answer, report] of [
    [{ type: "check", n: 1 }, { code: "greenroom.failed" }, "frame: Error: No database"],
    [{ type: "send", n: 1 }, { type: "sent" }, "frame: Error: No database"],
    [{ type: "ask", id: 1, value: 1 }, { type: "greenroom.reply" }, "frame: Error: No database"],
  ] as const)
    it(`fails its frame only, and does not stop the connection (${frame.type})`, async () => {
      const client = communicateWith(runtime, "/room");
      await client.connect();
      for (let count = 1; count <= 12; count += 1) {
        client.sendJson(frame);
        expect(await client.receiveJson()).to.include(answer);
        // Node tells of the rejections at the end of the turn.
        for (let turn = 0; turn < 3; turn += 1) await nextTurn();
        expect(rejected).to.equal(2 * count);
      }
      await client.receiveNothing();
      expect(client.machine.getSnapshot().matches("joined")).to.equal(true);
      expect(errors).to.include(report);
      // Reports of each kind are limited.
      expect(errors.length).to.be.at.most(2);
    });
});
