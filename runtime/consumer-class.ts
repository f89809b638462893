import type {
  Consumer,
  ConsumerContext,
  MailboxOptions,
  OutboxOptions,
  Supervision,
} from "../actors/index.ts";
import type { Capability } from "../layers/backend.ts";

/** A class of consumers, as `route` and `spawn` take it. */
export interface ConsumerClass {
  new (context: ConsumerContext): Consumer;
  readonly name: string;
  readonly layer: string | undefined;
  readonly needs: readonly Capability[];
  readonly on: object;
  readonly mailbox: MailboxOptions;
  readonly outbox: OutboxOptions;
  readonly supervision: Supervision;
  readonly handlerTimeoutMs: number | undefined;
}
