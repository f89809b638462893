import type { WaitingFrames } from "../../../runtime/consumer-settings.ts";
import type { Item, MailboxOwner } from "../../../runtime/mailbox/mailbox.ts";

export const mail = (n: number) => ({ message: { type: "tick", n }, delivery: {} });

/** The waiting frames of a runtime without a limit. */
export const unlimitedFrames = (): WaitingFrames => ({ length: 0, maxLength: Number.POSITIVE_INFINITY });

/** Records the calls of a mailbox. `work` handles an item. */
export class Owner implements MailboxOwner {
  /** The frames, the numbers of the messages, and the gaps. */
  readonly handled: unknown[] = [];
  readonly failures: unknown[] = [];
  readonly flow: string[] = [];
  work: (item: Item) => unknown = () => undefined;

  handle(item: Item): unknown {
    this.handled.push(typeof item === "object" && "message" in item ? item.message.n : item);
    return this.work(item);
  }

  failed(error: unknown, item?: Item): void {
    this.failures.push([(error as Error).message, item]);
  }

  pause(): void {
    this.flow.push("pause");
  }

  resume(): void {
    this.flow.push("resume");
  }
}
