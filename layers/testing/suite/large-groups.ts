import assert from "node:assert/strict";
import type { Inbox, Mail } from "../../message.ts";
import type { Stage } from "../stage.ts";
import { Watched } from "../watched.ts";

const members = 2_000;
/** One far enough from the first for a node to have looked at the clock before it, and from the last to do so after it. */
const slowest = 1_000;
const sent = 3;
/** More than a node may deliver without a pause. */
const slowMs = 6;

/** Takes what each of a great many channels gets, without keeping it. */
class Crowd extends Watched {
  /** By channel and sender, the number that comes next. */
  readonly #next = new Map<string, number>();
  readonly misplaced: string[] = [];
  count = 0;

  inbox(index: number, onMail: (mail: Mail) => void = () => {}): Inbox {
    return {
      deliver: (mail) => {
        const { from, number } = mail.message;
        const key = `${index} ${from}`;
        const expected = this.#next.get(key) ?? 0;
        if (number !== expected) this.misplaced.push(`${key}: ${number} instead of ${expected}`);
        this.#next.set(key, expected + 1);
        this.count += 1;
        onMail(mail);
        if (index === members - 1) this.changed();
      },
      gap() {},
    };
  }
}

export function describeLargeGroups(stage: Stage): void {
  describe("large groups", () => {
    it("leave the event loop its turns, and get each message once and in order nonetheless", async () => {
      const crowd = new Crowd();
      let slices = 0;
      let isInSlice = false;
      const onMail = () => {
        if (isInSlice) return;
        isInSlice = true;
        slices += 1;
        setImmediate(() => {
          isInSlice = false;
        });
      };
      const blocking = () => {
        const end = performance.now() + slowMs;
        while (performance.now() < end);
        onMail();
      };
      const joining = Array.from({ length: members }, async (_, index) => {
        const inbox = crowd.inbox(index, index === slowest ? blocking : onMail);
        await stage.one.groupAdd("crowd", await stage.one.newChannel(inbox));
      });
      await Promise.all(joining);
      const witness = await stage.actor(stage.one, "crowd");
      const sending = Array.from({ length: sent }, (_, number) => [
        stage.one.groupSend("crowd", { type: "number", from: "one", number }),
        stage.other.groupSend("crowd", { type: "number", from: "other", number }),
      ]);
      await Promise.all(sending.flat());
      await witness.inbox.until(() => witness.inbox.mails.length === 2 * sent);
      assert.deepEqual(crowd.misplaced, []);
      assert.equal(crowd.count, 2 * sent * members);
      assert.ok(slices > 1, "All was delivered in one turn of the event loop.");
      assert.equal(stage.one.counters().delivered, 2 * sent * (members + 1));
    });
  });
}
