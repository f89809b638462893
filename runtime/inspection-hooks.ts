import type { AnyActor, AnyActorRef } from "xstate";
import type { Frame, Scope } from "../actors/index.ts";
import type { ErrorListener } from "../layers/error-reporter.ts";
import type { Message } from "../layers/message.ts";
import type { ConsumerClass } from "./consumer-settings.ts";
import type { Item } from "./mailbox/mailbox.ts";

/** What shows of an actor to who looks. */
export interface Observed {
  /** That of its connection. Its `sessionId` names the actor. */
  readonly machine: AnyActorRef;
  /** That of its own, where its consumer runs one. */
  readonly machineActor: AnyActor | undefined;
  readonly Consumer: ConsumerClass;
  readonly scope: Scope;
  /** When it began, by the runtime's clock, in milliseconds. */
  readonly since: number;
  readonly groups: {
    /** Its channel, if it has one already. */
    readonly address: string | undefined;
    /** Those it is in. */
    readonly joined: readonly string[];
  };
  readonly tags: Iterable<string>;
  readonly mailbox: { readonly size: number; readonly busy: boolean };
  readonly waitingBytes: number;
}

/** What an actor does to the groups of its layer. */
export type GroupDeed = "groupAdd" | "groupDiscard" | "groupSend";

/** Hears what actors do, as it happens. It is called in the middle of that: it MUST be quick, and MUST NOT throw. */
export interface ActivityObserver {
  /** It begins to handle what came in. */
  handling(actor: Observed, item: Item): void;
  /** It sends to its client. */
  sent(actor: Observed, frame: Frame): void;
  addressed(actor: Observed, deed: GroupDeed, group: string, message?: Message): void;
  /** Its consumer runs a machine of its own from here on; it is not started yet. */
  runs(actor: Observed, machineActor: AnyActor): void;
}

/** Takes failures that no caller awaits, those of an actor with whose they are. Never throws. */
export type Report = (
  error: unknown,
  where: Parameters<ErrorListener>[1],
  actor?: Pick<Observed, "machine">,
) => void;

/** Who looks at a runtime. */
export interface Inspection {
  /** Undefined while nobody looks: then nothing is made for it. */
  observer: ActivityObserver | undefined;
  /** Hears of all failures, also of those that happen while nobody looks. */
  onFailure: Report | undefined;
}
