import { inspect } from "node:util";
import type { AnyActor } from "xstate";
import type { Frame } from "../../actors/index.ts";
import { textOf } from "../../layers/errors.ts";
import type { Message } from "../../layers/message.ts";
import type { ActivityObserver, GroupOperation, Observed } from "../../runtime/inspection-hooks.ts";
import type { Item } from "../../runtime/mailbox/mailbox.ts";
import { truncate } from "../../runtime/truncate.ts";
import type { Activity, ActivityLog, OpenedHistory } from "./activity-log.ts";
import type { MachineInspection } from "./machine-inspection.ts";

export class ActivityRecorder implements ActivityObserver {
  framesIn = 0;
  framesOut = 0;
  readonly #activityLog: ActivityLog;
  readonly #machineInspection: MachineInspection;

  constructor(activityLog: ActivityLog, machineInspection: MachineInspection) {
    this.#activityLog = activityLog;
    this.#machineInspection = machineInspection;
  }

  onItem(actor: Observed, item: Item): void {
    if (isFrame(item)) this.framesIn += 1;
    this.#record(actor, (opened) => itemActivity(item, opened));
  }

  onSend(actor: Observed, frame: Frame): void {
    this.framesOut += 1;
    this.#record(actor, (opened) => ({
      kind: "sent",
      from: "actor",
      to: "client",
      ...frameFacts(frame, opened),
    }));
  }

  onGroupOperation(actor: Observed, operation: GroupOperation, group: string, message?: Message): void {
    this.#record(actor, (opened) => ({
      kind: operation,
      from: "actor",
      to: "layer",
      what: message === undefined ? "" : textOf(message.type),
      detail: group,
      ...payloadOf(message, opened),
    }));
  }

  onMachineStart(actor: Observed, machineActor: AnyActor): void {
    this.#machineInspection.onMachineStart(actor, machineActor);
  }

  #record(actor: Observed, make: (opened: OpenedHistory | undefined) => Activity): void {
    this.#activityLog.recordWork(actor.machine.sessionId, make);
  }
}

const isFrame = (item: Item): item is Frame => typeof item === "string" || item instanceof Uint8Array;

function itemActivity(item: Item, opened: OpenedHistory | undefined): Activity {
  if (isFrame(item)) return { kind: "frame", from: "client", to: "actor", ...frameFacts(item, opened) };
  const lanes = { from: "layer", to: "actor" } as const;
  if ("message" in item) {
    const { message, delivery } = item;
    return {
      kind: "message",
      ...lanes,
      what: message.type,
      ...(delivery.group !== undefined && { detail: delivery.group }),
      ...payloadOf(message, opened),
    };
  }
  if ("run" in item) return { kind: "timer", from: "actor", to: "actor", what: "" };
  if ("dropped" in item) return { kind: "overflow", ...lanes, what: "", detail: `${item.dropped} dropped` };
  return { kind: "gap", ...lanes, what: "", ...(item.group !== undefined && { detail: item.group }) };
}

function frameFacts(
  frame: Frame,
  opened: OpenedHistory | undefined,
): Pick<Activity, "what" | "bytes" | "payload"> {
  const what = typeof frame === "string" ? "text" : "binary";
  return { what, bytes: Buffer.byteLength(frame), ...payloadOf(frame, opened) };
}

const longestPayload = 2_000;

function payloadOf(value: unknown, opened: OpenedHistory | undefined): Pick<Activity, "payload"> {
  if (value === undefined || (opened?.payloadReaders ?? 0) === 0) return {};
  return { payload: truncate(typeof value === "string" ? value : inspectSafely(value), longestPayload) };
}

/** Formats any value as text. If `inspect` throws on the value, the text is a placeholder. */
function inspectSafely(value: unknown): string {
  try {
    return inspect(value, { depth: 6, maxStringLength: longestPayload, customInspect: false });
  } catch {
    return "(cannot be shown)";
  }
}
