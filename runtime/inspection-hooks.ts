import type { AnyActor, AnyActorRef } from "xstate";
import type { Frame, Scope } from "../actors/index.ts";
import type { ErrorListener } from "../layers/error-reporter.ts";
import type { Message } from "../layers/message.ts";
import type { ConsumerClass } from "./consumer-settings.ts";
import type { Item } from "./mailbox/mailbox.ts";

/** Read-only view of an actor. */
export interface Observed {
  /** The machine of the connection. Its `sessionId` is the actor's id. */
  readonly machine: AnyActorRef;
  readonly machineActor: AnyActor | undefined;
  readonly Consumer: ConsumerClass;
  readonly scope: Scope;
  /** The time when the actor started, in milliseconds of the runtime's clock. */
  readonly since: number;
  readonly groups: {
    /** Undefined until the actor has a channel. */
    readonly address: string | undefined;
    readonly joined: readonly string[];
  };
  readonly tags: Iterable<string>;
  readonly mailbox: { readonly size: number; readonly busy: boolean };
  readonly waitingBytes: number;
}

export type GroupOperation = "groupAdd" | "groupDiscard" | "groupSend";

/** Observes the actors of a runtime, synchronously. Its methods MUST be quick, and MUST NOT throw. */
export interface ActivityObserver {
  onItem(actor: Observed, item: Item): void;
  onSend(actor: Observed, frame: Frame): void;
  onGroupOperation(actor: Observed, operation: GroupOperation, group: string, message?: Message): void;
  onMachineStart(actor: Observed, machineActor: AnyActor): void;
}

/** Reports an error that no caller receives, with the actor that failed, if any. Never throws. */
export type Report = (
  error: unknown,
  where: Parameters<ErrorListener>[1],
  actor?: Pick<Observed, "machine">,
) => void;

/** The hooks of a runtime for its inspector. */
export interface InspectionHooks {
  /** Set only while an inspector session is active, because an observer makes the actors slower. */
  observer: ActivityObserver | undefined;
  /** Receives all failures, also while no session is active. */
  onFailure: Report | undefined;
}
