import { inspect } from "node:util";
import type { NamedDeadLetter, NamedEffect } from "../../actors/index.ts";
import { textOf } from "../../layers/errors.ts";
import type { ActorFacts, ParkedFacts } from "../../named/kind-reader.ts";
import type { NamedKinds } from "../../named/named-kinds.ts";
import type { RuntimeContext } from "../../runtime/runtime-context.ts";
import { truncate } from "../../runtime/truncate.ts";
import type {
  NamedActorDetails,
  NamedActorRow,
  NamedContent,
  NamedDeadLetterRow,
  NamedKindFacts,
  NamedReport,
  NamedRequest,
} from "../protocol.ts";

const maxActors = 50;
const maxPartitions = 256;
const maxParked = 100;
const maxDeadLetters = 100;
const longestText = 300;
const longestContent = 2_000;

/** A request that names a kind. */
export type KindRequest = NamedRequest & { readonly kind: string };

/** The kinds as this node sees them. Reads nothing from the store. */
export function namedKindFacts({
  named,
  layers,
}: Pick<RuntimeContext, "layers" | "named">): NamedKindFacts[] {
  const counters = named.counters();
  const aliases = new Map(Object.entries(layers).map(([alias, layer]) => [layer, alias]));
  return named.all.map(({ kind, layer, machine, partitions }) => ({
    kind,
    layer: aliases.get(layer) ?? "",
    runs: machine !== undefined,
    partitions,
    counters: counters[kind] as NamedKindFacts["counters"],
  }));
}

/**
 * Reads what the page shows of a kind. Never rejects.
 *
 * @param payloads whether the report may contain contexts, views and messages
 */
export async function namedReport(
  kinds: Pick<NamedKinds, "of">,
  request: KindRequest,
  payloads: boolean,
): Promise<NamedReport> {
  try {
    return { type: "named", request, content: await contentOf(kinds, request, payloads) };
  } catch (error) {
    return { type: "named", request, content: { error: truncate(textOf(error), longestText) } };
  }
}

async function contentOf(
  kinds: Pick<NamedKinds, "of">,
  { kind: name, after, key, partition }: KindRequest,
  payloads: boolean,
): Promise<NamedContent> {
  const kind = kinds.of(name);
  const { reader } = kind;
  const open = key === undefined ? undefined : await reader.actor(key);
  const place = open ? { key: open.key } : partition !== undefined ? { partition } : undefined;
  const [members, { partitions, parked }, keys, letters] = await Promise.all([
    reader.members(),
    reader.partitions(maxPartitions),
    kind.list({ limit: maxActors + 1, ...(after !== undefined && { after }) }),
    place ? reader.deadLetters({ limit: maxDeadLetters, ...place }) : [],
  ]);
  const shown = keys.slice(0, maxActors);
  const actors = await reader.actors(shown);
  const next = keys.length > shown.length ? shown.at(-1) : undefined;
  const newest = parked.toSorted((one, other) => other.at - one.at).slice(0, maxParked);
  return {
    members,
    partitions,
    parked: newest.map((facts) => ({ key: facts.key, ...shortened(facts) })),
    actors: actors.map(rowOf),
    ...(next !== undefined && { next }),
    ...(open && { open: { ...rowOf(open), ...detailsOf(open, payloads) } }),
    deadLetters: letters.map((letter) => letterRow(letter, payloads)),
  };
}

const shortened = ({ reason, at }: Omit<ParkedFacts, "key">) => ({
  reason: truncate(reason, longestText),
  at,
});

function rowOf(facts: ActorFacts): NamedActorRow {
  const { bytes, dueInMs, hasEnded, key, mailbox, parked, partition, unreadable, value } = facts;
  return {
    bytes,
    dueInMs,
    hasEnded,
    key,
    mailbox,
    parked: parked && shortened(parked),
    partition,
    state: truncate(stateOf(value), longestText),
    ...(unreadable !== undefined && { unreadable: truncate(unreadable, longestText) }),
  };
}

function detailsOf(facts: ActorFacts, payloads: boolean): NamedActorDetails {
  const { version, machineVersion, delays, view, context } = facts;
  return {
    delays: delays
      .slice(0, maxActors)
      .map(({ event, inMs }) => ({ event: truncate(event, longestText), inMs })),
    ...(version !== undefined && { version }),
    ...(machineVersion !== undefined && { machineVersion }),
    ...(payloads && machineVersion !== undefined && { view: printed(view), context: printed(context) }),
  };
}

function letterRow(letter: NamedDeadLetter, payloads: boolean): NamedDeadLetterRow {
  const { key, at, reason, message, delay, effect } = letter;
  const content = message ?? effect;
  const what = message?.type ?? (effect && effectText(effect)) ?? delay ?? "";
  return {
    ...(key !== undefined && { key }),
    at,
    reason: truncate(reason, longestText),
    what: truncate(what, longestText),
    ...(payloads && content && { payload: printed(content) }),
  };
}

function effectText(effect: NamedEffect): string {
  switch (effect.type) {
    case "groupSend":
      return `groupSend ${effect.message.type} to ${effect.group}`;
    case "tell":
      return `tell ${effect.message.type} to ${effect.kind} ${effect.key}`;
    case "submit":
      return `submit ${effect.message.type} to ${effect.channel}`;
    default:
      return effect.type;
  }
}

/** The value of a machine's state, such as `playing.round`. Parallel states are joined by `, `. */
function stateOf(value: unknown): string {
  if (typeof value === "string") return value;
  return Object.entries(Object(value))
    .map(([state, within]) => {
      const inner = stateOf(within);
      return inner === "" ? state : `${state}.${inner}`;
    })
    .join(", ");
}

const printed = (value: unknown): string =>
  truncate(inspect(value, { depth: 8, maxStringLength: longestContent }), longestContent);
