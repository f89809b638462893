import type {
  Commit,
  Shipment,
  ShipmentOutcome,
  StoredActor,
  StoredPartition,
  Taken,
  Turn,
  TurnReply,
} from "../../state-backend.ts";
import type { ScriptArgument } from "../jobs/queue-scripts.ts";
import { stampLength, timeLength } from "./state-keys.ts";
import { commitParts, turnFacts } from "./turn-script.ts";

/** A bulk string, an integer, an array, or null, as scripts reply. */
type Reply = Buffer | number | null | readonly Reply[];

const lineBreak = 0x0a;

export function bytesOf({ buffer, byteOffset, byteLength }: Uint8Array): Buffer {
  return Buffer.from(buffer, byteOffset, byteLength);
}

/** The value of a snapshot in the hash `state`. */
export function storedState({
  version,
  data,
}: {
  readonly version: string;
  readonly data: Uint8Array;
}): Buffer {
  return Buffer.concat([Buffer.from(`${version}\n`), data]);
}

/** Numbers keys from 1 on, in the order of their first use. */
export class KeyNumbers {
  readonly #numbers = new Map<string, number>();

  of(key: string): number {
    let number = this.#numbers.get(key);
    if (number === undefined) {
      number = this.#numbers.size + 1;
      this.#numbers.set(key, number);
    }
    return number;
  }

  get size(): number {
    return this.#numbers.size;
  }

  get keys(): readonly string[] {
    return [...this.#numbers.keys()];
  }
}

/** The arguments of a shipment. */
export function shipmentArguments(
  { sender, capacity, bytes, stopAtFull, messages }: Shipment,
  numbers: KeyNumbers,
): ScriptArgument[] {
  const args: ScriptArgument[] = [sender, `${capacity} ${bytes} ${stopAtFull ? 1 : 0}`];
  for (const { key, number, payload, isAsk } of messages)
    args.push(`${numbers.of(key)} ${number} ${isAsk ? 1 : 0}`, bytesOf(payload));
  return args;
}

const outcomes: Readonly<Record<string, ShipmentOutcome>> = { s: "stored", f: "full", p: "parked" };

export function outcomesIn(reply: unknown): readonly ShipmentOutcome[] {
  return [...text(reply as Reply)].map((letter) => outcomes[letter] ?? "stored");
}

/** @param channelOf returns the channel of the views of an actor. */
export function turnArguments(
  { token, number, commits, asleep, shipment, takes, relayed, listWaiting, due, outboxAfter }: Turn,
  numbers: KeyNumbers,
  channelOf: (key: string) => string,
): ScriptArgument[] {
  let parts = 0;
  const rest: ScriptArgument[] = [];
  for (const commit of commits) {
    parts |= partsOf(commit);
    rest.push(...commitArguments(commit, numbers.of(commit.key), channelOf));
  }
  const committing = numbers.size;
  rest.push(...asleep);
  if (shipment !== undefined) rest.push(...shipmentArguments(shipment, numbers));
  const taken = takes.map(({ key, load }) => `${numbers.of(key)}${load ? "+" : ""}`);
  const facts = [
    ...[number, commits.length, asleep.length, relayed, listWaiting ? 1 : 0, due, outboxAfter ?? "-"],
    ...[parts, shipment?.messages.length ?? "-", committing],
  ];
  return [token, facts.join(" "), taken.join(" "), ...numbers.keys, ...rest];
}

function partsOf({ state, view, parked, remove, outbox, dead }: Commit): number {
  return (
    (state === undefined ? 0 : commitParts.state) +
    (view === undefined ? 0 : commitParts.view) +
    (parked === undefined ? 0 : commitParts.parked) +
    (remove ? commitParts.remove : 0) +
    (outbox.length === 0 ? 0 : commitParts.outbox) +
    (dead.length === 0 ? 0 : commitParts.dead)
  );
}

function commitArguments(
  commit: Commit,
  actor: number,
  channelOf: (key: string) => string,
): ScriptArgument[] {
  const {
    key,
    from = "",
    state,
    taken,
    lastTaken = "-",
    deadline = "-",
    view,
    outbox,
    dead,
    parked,
  } = commit;
  const args: ScriptArgument[] = [`${actor} ${taken} ${lastTaken} ${deadline} ${partsOf(commit)} ${from}`];
  if (state !== undefined) args.push(storedState(state));
  if (view !== undefined) args.push(channelOf(key), bytesOf(view));
  if (parked !== undefined) args.push(bytesOf(parked));
  if (outbox.length > 0) args.push(outbox.length, ...outbox.map(bytesOf));
  if (dead.length > 0) args.push(dead.length, ...dead.map(bytesOf));
  return args;
}

export function turnReplyIn(reply: unknown, { takes, shipment }: Turn): TurnReply {
  if (!Array.isArray(reply)) return notOwner;
  const [now, end, deadline, first, known, outcomes, ...counts] = reply.slice(0, turnFacts) as Reply[];
  const [conflicts = 0, waiting = 0, due = 0, outbox = 0] = counts.map(Number);
  let at = turnFacts;
  const next = (count: number): readonly Reply[] => {
    at += count;
    return reply.slice(at - count, at);
  };
  const pairs = next(conflicts);
  const taken = takes.map(({ key }): Taken => {
    const [state, loads, parked, mailbox, messages] = next(5);
    return {
      key,
      state: stateIn(state),
      messages: next(Number(messages)).map(messageIn),
      hasMore: Number(mailbox) > Number(messages),
      loads: Number(loads),
      parked: optional(parked),
    };
  });
  return {
    isOwner: true,
    now: Number(now),
    conflicts: Array.from({ length: pairs.length / 2 }, (_, index) => ({
      index: Number(pairs[2 * index]),
      version: text(pairs[2 * index + 1]) || undefined,
    })),
    shipped: shipment && { outcomes: outcomesIn(outcomes), known: Number(known), isHeard: true },
    taken,
    waiting: next(waiting).map(text),
    due: next(due).map(text),
    nextDeadline: numberIn(deadline),
    outbox: next(outbox).map((payload, index) => ({
      number: Number(first) + index,
      payload: bytes(payload),
    })),
    outboxEnd: Number(end),
  };
}

const notOwner: TurnReply = {
  isOwner: false,
  now: 0,
  conflicts: [],
  shipped: undefined,
  taken: [],
  waiting: [],
  due: [],
  nextDeadline: undefined,
  outbox: [],
  outboxEnd: 0,
};

function messageIn(reply: Reply): Taken["messages"][number] {
  const message = bytes(reply);
  return {
    at: Number(message.toString("latin1", 0, timeLength)),
    id: message.toString("latin1", 0, stampLength - 1),
    payload: message.subarray(stampLength),
  };
}

export function actorIn(reply: unknown): StoredActor {
  const [state, mailbox, parked, deadline, now] = reply as Reply[];
  return {
    state: stateIn(state),
    mailbox: Number(text(mailbox)),
    parked: optional(parked),
    deadline: numberIn(deadline),
    now: Number(now),
  };
}

export function partitionIn(reply: unknown): StoredPartition {
  const [owner, version, actors, waiting, parkedActors, parked, ...rest] = reply as Reply[];
  const [deadLetters, outbox, deadline, now] = rest;
  const reasons = list(parked);
  return {
    owner: owner ? text(owner) : undefined,
    version: numberIn(version) ?? 1,
    actors: Number(actors),
    waiting: Number(waiting),
    parkedActors: Number(parkedActors),
    parked: Array.from({ length: reasons.length / 2 }, (_, index) => ({
      key: text(reasons[2 * index]),
      reason: bytes(reasons[2 * index + 1]),
    })),
    deadLetters: Number(deadLetters),
    outbox: Number(outbox),
    nextDeadline: numberIn(deadline),
    now: Number(now),
  };
}

/** Payloads without stamps. */
export function payloadsIn(reply: unknown): readonly Uint8Array[] {
  return list(reply as Reply).map((message) => bytes(message).subarray(stampLength));
}

/** Pairs of texts in a flat array. */
export function pairsIn(reply: unknown): readonly (readonly [string, string])[] {
  const flat = list(reply as Reply).map(text);
  return Array.from({ length: flat.length / 2 }, (_, index) => [
    flat[2 * index] ?? "",
    flat[2 * index + 1] ?? "",
  ]);
}

export function textsIn(reply: unknown): readonly string[] {
  return list(reply as Reply).map(text);
}

function stateIn(value: Reply | undefined): StoredActor["state"] {
  const stored = optional(value);
  if (stored === undefined) return undefined;
  const at = stored.indexOf(lineBreak);
  // A value without a line break was not stored by a turn. All of it is its version, as for the scripts.
  const end = at < 0 ? stored.length : at;
  return { version: stored.toString("utf8", 0, end), data: stored.subarray(end + 1) };
}

function list(reply: Reply | undefined): readonly Reply[] {
  return Array.isArray(reply) ? reply : [];
}

function bytes(reply: Reply | undefined): Buffer {
  return Buffer.isBuffer(reply) ? reply : Buffer.alloc(0);
}

function optional(reply: Reply | undefined): Buffer | undefined {
  return Buffer.isBuffer(reply) ? reply : undefined;
}

function text(reply: Reply | undefined): string {
  return bytes(reply).toString();
}

function numberIn(reply: Reply | undefined): number | undefined {
  return Buffer.isBuffer(reply) ? Number(reply.toString()) : undefined;
}
