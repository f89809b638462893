import { readTrace, type TraceContext } from "../../layers/tracing.ts";
import type { RuntimeDropReason } from "../counters.ts";
import { otherNodes } from "../limits/other-nodes.ts";
import type { Outcome } from "../mailbox/ask-envelope.ts";
import type { Entry } from "../presence/entry.ts";
import { maxGraceMs, maxKeyLength, type Presence } from "../presence/presence.ts";
import type { LocalAsks } from "./local-asks.ts";
import type { NodeChannel } from "./node-channel.ts";
import { type NodeRegistry, readHeartbeat } from "./node-registry.ts";
import { type PendingAsks, readAskReply } from "./pending-asks.ts";
import { readGather, readGatherReply, type ScatterGather } from "./scatter-gather.ts";
import * as read from "./untrusted.ts";

export interface ControlTargets {
  readonly channel: NodeChannel;
  readonly registry: NodeRegistry;
  readonly localAsks: LocalAsks;
  readonly pendingAsks: PendingAsks;
  readonly scatterGather: ScatterGather;
  readonly presence: Presence;
}

/** Handles a message from a node, or from its channel. Returns a reason if the message is dropped. */
type Handler<T> = (value: T, from: string) => RuntimeDropReason | undefined;

export function controlHandlers(targets: ControlTargets): ReadonlyMap<string, Handler<read.Fields>> {
  const { registry, localAsks, pendingAsks, scatterGather, presence } = targets;
  const replyTo = (channel: string, id: string) => (outcome: Outcome) =>
    targets.channel.post(channel, "reply", { id, outcome });
  // Messages of unknown nodes are ignored: the first heartbeat of a node causes a request for its full state.
  const onKnown = <T>(reader: read.Reader<T>, handle: Handler<T>) =>
    on(reader, (value, from) => {
      const node = registry.byChannel(from);
      return node === undefined ? undefined : handle(value, node.id);
    });
  return new Map([
    ["heartbeat", on(readHeartbeat, (heartbeat, from) => registry.onHeartbeat(heartbeat, from))],
    ["leave", on(read.fields, (_, from) => void registry.onLeave(from))],
    ["send", on(readSend, ({ channel, message, trace }) => void localAsks.send(channel, message, trace[0]))],
    [
      "ask",
      on(
        readAsk,
        ({ channel, message, id, trace }, from) =>
          void localAsks.ask(channel, message, replyTo(from, id), trace[0]),
      ),
    ],
    ["reply", on(readAskReply, (reply, from) => pendingAsks.onReply(reply, from))],
    ["gather", on(readGather, (request, from) => scatterGather.onRequest(request, from))],
    ["gathered", on(readGatherReply, (reply, from) => scatterGather.onReply(reply, from))],
    ["presence", onKnown(readDiff, (diff, node) => presence.applyDiff(node, diff))],
    ["state", onKnown(readStatePart, (part, node) => presence.restore(node, part))],
    ["resync", onKnown(read.fields, (_, node) => presence.sendState(node))],
  ]);
}

function on<T>(reader: read.Reader<T>, handle: Handler<T>): Handler<read.Fields> {
  return (fields, from) => {
    const value = reader(fields);
    return value === undefined ? "garbage" : handle(value, from);
  };
}

/** Reads the trace of a message: an empty list if there is none, or a malformed one. */
function trace(value: unknown): readonly [TraceContext?] {
  const found = readTrace(value);
  return found === undefined ? [] : [found];
}

const readSend = read.object({ channel: read.channel, message: read.message, trace });

const readAsk = read.object({ id: read.id, channel: read.channel, message: read.message, trace });

const readEntryKey = read.object({
  ref: read.count,
  group: read.name,
  key: read.text(maxKeyLength),
  graceMs: (value: unknown) => (Number(value) <= maxGraceMs ? read.count(value) : undefined),
});

function readEntry(value: unknown): Entry | undefined {
  const key = readEntryKey(value);
  return key && { ...key, meta: (value as Entry).meta };
}

const readEntries = read.each(readEntry, otherNodes.maxEntriesInMessage);

const readDiff = read.object({
  version: (value: unknown) => read.count(value) || undefined,
  joins: readEntries,
  leaves: read.each(read.count),
  ended: read.each(read.count),
});

const readAnyStatePart = read.object({
  version: read.count,
  part: read.count,
  parts: (value: unknown) => (Number(value) <= otherNodes.maxStateParts ? read.count(value) : undefined),
  entries: readEntries,
});

function readStatePart(value: unknown) {
  const state = readAnyStatePart(value);
  return state && state.part < state.parts ? state : undefined;
}
