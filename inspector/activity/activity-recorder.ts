import { inspect } from "node:util";
import type { AnyActor } from "xstate";
import type { Frame } from "../../actors/index.ts";
import { textOf } from "../../layers/errors.ts";
import type { Message } from "../../layers/message.ts";
import type { ActivityObserver, GroupDeed, Observed } from "../../runtime/inspection-hooks.ts";
import type { Item } from "../../runtime/mailbox/mailbox.ts";
import { truncate } from "../../runtime/truncate.ts";
import type { ActivityLog, Happening, OpenedHistory } from "./activity-log.ts";
import type { MachineEvents } from "./machine-inspection.ts";

/** Hears what actors do while somebody looks, and records it. */
export class ActivityRecorder implements ActivityObserver {
  framesIn = 0;
  framesOut = 0;
  readonly #histories: ActivityLog;
  readonly #machineEvents: MachineEvents;

  constructor(histories: ActivityLog, machineEvents: MachineEvents) {
    this.#histories = histories;
    this.#machineEvents = machineEvents;
  }

  handling(actor: Observed, item: Item): void {
    if (isFrame(item)) this.framesIn += 1;
    this.#record(actor, (opened) => whatCame(item, opened));
  }

  sent(actor: Observed, frame: Frame): void {
    this.framesOut += 1;
    this.#record(actor, (opened) => ({
      kind: "sent",
      from: "actor",
      to: "client",
      ...whatIsIn(frame, opened),
    }));
  }

  addressed(actor: Observed, deed: GroupDeed, group: string, message?: Message): void {
    this.#record(actor, (opened) => ({
      kind: deed,
      from: "actor",
      to: "layer",
      what: message === undefined ? "" : textOf(message.type),
      detail: group,
      ...payloadOf(message, opened),
    }));
  }

  runs(actor: Observed, machineActor: AnyActor): void {
    this.#machineEvents.runs(actor, machineActor);
  }

  #record(actor: Observed, make: (opened: OpenedHistory | undefined) => Happening): void {
    this.#histories.work(actor.machine.sessionId, make);
  }
}

const isFrame = (item: Item): item is Frame => typeof item === "string" || item instanceof Uint8Array;

function whatCame(item: Item, opened: OpenedHistory | undefined): Happening {
  if (isFrame(item)) return { kind: "frame", from: "client", to: "actor", ...whatIsIn(item, opened) };
  const way = { from: "layer", to: "actor" } as const;
  if ("message" in item) {
    const { message, delivery } = item;
    return {
      kind: "message",
      ...way,
      what: message.type,
      ...(delivery.group !== undefined && { detail: delivery.group }),
      ...payloadOf(message, opened),
    };
  }
  if ("dropped" in item) return { kind: "overflow", ...way, what: "", detail: `${item.dropped} dropped` };
  return { kind: "gap", ...way, what: "", ...(item.group !== undefined && { detail: item.group }) };
}

function whatIsIn(
  frame: Frame,
  opened: OpenedHistory | undefined,
): Pick<Happening, "what" | "bytes" | "payload"> {
  return {
    what: typeof frame === "string" ? "text" : "binary",
    bytes: Buffer.byteLength(frame),
    ...payloadOf(frame, opened),
  };
}

const longestPayload = 2_000;

/** The payload as text, where those who look want to know. */
function payloadOf(value: unknown, opened: OpenedHistory | undefined): Pick<Happening, "payload"> {
  if (value === undefined || (opened?.payloadReaders ?? 0) === 0) return {};
  const text = typeof value === "string" ? value : shown(value);
  return { payload: truncate(text, longestPayload) };
}

/** What an actor is about to send may be anything. */
function shown(value: unknown): string {
  try {
    return inspect(value, { depth: 6, maxStringLength: longestPayload, customInspect: false });
  } catch {
    return "(cannot be shown)";
  }
}
