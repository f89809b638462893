import type { RuntimeDropReason } from "../counters.ts";
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

/** Handles a message from the node with the channel `from`. Returns a reason if the message is dropped. */
type Handler<T> = (value: T, from: string) => RuntimeDropReason | undefined;

export function controlHandlers(targets: ControlTargets): ReadonlyMap<string, Handler<read.Fields>> {
  const { registry, localAsks, pendingAsks, scatterGather, presence } = targets;
  const replyTo = (channel: string, id: string) => (outcome: Outcome) =>
    targets.channel.post(channel, "reply", { id, outcome });
  // Messages of unknown nodes are ignored: the first heartbeat of a node causes a request for its full state.
  const onKnown = <T>(reader: read.Reader<T>, handle: (node: string, value: T) => void) =>
    on(reader, (value, from) => {
      const node = registry.byChannel(from);
      return node && void handle(node.id, value);
    });
  return new Map([
    ["heartbeat", on(readHeartbeat, (heartbeat, from) => registry.onHeartbeat(heartbeat, from))],
    ["leave", on(read.fields, (_, from) => void registry.onLeave(from))],
    ["send", on(readSend, ({ channel, message }) => void localAsks.send(channel, message))],
    ["ask", on(readAsk, (ask, from) => void localAsks.ask(ask.channel, ask.message, replyTo(from, ask.id)))],
    ["reply", on(readAskReply, (reply, from) => pendingAsks.onReply(reply, from))],
    ["gather", on(readGather, (request, from) => scatterGather.onRequest(request, from))],
    ["gathered", on(readGatherReply, (reply, from) => scatterGather.onReply(reply, from))],
    ["presence", onKnown(readDiff, (node, diff) => presence.applyDiff(node, diff))],
    ["state", onKnown(readStatePart, (node, part) => presence.restore(node, part))],
    ["resync", onKnown(read.fields, (node) => presence.sendState(node))],
  ]);
}

function on<T>(reader: read.Reader<T>, handle: Handler<T>): Handler<read.Fields> {
  return (fields, from) => {
    const value = reader(fields);
    return value === undefined ? "garbage" : handle(value, from);
  };
}

const maxStateParts = 100_000;

const readSend = read.object({ channel: read.channel, message: read.message });

const readAsk = read.object({ id: read.id, channel: read.channel, message: read.message });

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

const readDiff = read.object({
  version: (value: unknown) => read.count(value) || undefined,
  joins: read.each(readEntry),
  leaves: read.each(read.count),
  ended: read.each(read.count),
});

const readAnyStatePart = read.object({
  version: read.count,
  part: read.count,
  parts: (value: unknown) => (Number(value) <= maxStateParts ? read.count(value) : undefined),
  entries: read.each(readEntry),
});

function readStatePart(value: unknown) {
  const state = readAnyStatePart(value);
  return state && state.part < state.parts ? state : undefined;
}
