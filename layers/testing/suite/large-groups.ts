import assert from "node:assert/strict";
import type { Mail } from "../../message.ts";
import { numbers } from "../numbered-jobs.ts";
import type { Suite } from "../test-nodes.ts";

const members = 2_000;
/** The slow member. It is in the middle, so that the node checks the clock both before and after it. */
const slowest = 1_000;
const sent = 3;
/** The duration of the slow delivery, in milliseconds: longer than one time slice. */
const slowMs = 6;

export function describeLargeGroups({ describe, it, nodes }: Suite): void {
  describe("large groups", () => {
    it("yield to the event loop, and deliver each message once and in order", async () => {
      /** The next number expected, by member and sender. */
      const next = new Map<string, number>();
      const misplaced: string[] = [];
      let count = 0;
      let slices = 0;
      let slice: NodeJS.Immediate | undefined;
      const deliver = (member: number, { message: { from, number } }: Mail) => {
        const key = `${member} ${from}`;
        const expected = next.get(key) ?? 0;
        if (number !== expected) misplaced.push(`${key}: ${number} instead of ${expected}`);
        next.set(key, expected + 1);
        count += 1;
        const end = performance.now() + (member === slowest ? slowMs : 0);
        while (performance.now() < end);
        if (slice === undefined) slices += 1;
        slice ??= setImmediate(() => {
          slice = undefined;
        });
      };
      const join = async (member: number) => {
        const channel = await nodes.one.newChannel({ deliver: (mail) => deliver(member, mail), gap() {} });
        await nodes.one.groupAdd("crowd", channel);
      };
      await Promise.all(numbers(0, members - 1).map(join));
      const { inbox } = await nodes.addChannel(nodes.one, "crowd");
      const sending = numbers(0, sent - 1).flatMap((number) =>
        (["one", "other"] as const).map((from) =>
          nodes[from].groupSend("crowd", { type: "number", from, number }),
        ),
      );
      await Promise.all(sending);
      await inbox.until(() => inbox.mails.length === 2 * sent);
      assert.deepEqual(misplaced, []);
      assert.equal(count, 2 * sent * members);
      assert.ok(slices > 1, "All was delivered in one turn of the event loop.");
      assert.equal(nodes.one.counters().delivered, 2 * sent * (members + 1));
    });
  });
}
