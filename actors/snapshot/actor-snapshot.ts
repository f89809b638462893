import { isJsonObject, type JsonObject, jsonCopy } from "./json-copy.ts";
import { SnapshotError } from "./snapshot-error.ts";

/** A delayed event that a machine, or a child of the machine, has not received yet. */
export interface SavedDelay {
  /** The wall time at which the delay ends, in milliseconds since 1970. */
  readonly at: number;
  readonly id: string;
  readonly event: JsonObject & { readonly type: string };
  /** The ids on the path from the machine to the child that set the delay. Empty for the machine itself. */
  readonly source: readonly string[];
  /** The path to the receiver of the event, as in {@link source}. */
  readonly target: readonly string[];
}

/** The presence of an actor in one group. */
export interface SavedPresence {
  readonly group: string;
  /** Undefined if the key is the channel of the actor. */
  readonly key?: string;
  readonly meta: JsonObject[string];
  /** Undefined if the presence ends with the actor. */
  readonly graceMs?: number;
}

/** The machine of an actor. */
export interface SavedMachine {
  /** The id of the machine. */
  readonly machine: string;
  /** The states, context, histories and children of the machine, in the format of XState. */
  readonly state: JsonObject;
  /** The delays of the machine and of its children, in the order of their ends. */
  readonly delays: readonly SavedDelay[];
}

/** The memberships of an actor. Channels differ after a restore, so an actor's channel is not saved. */
export interface SavedMemberships {
  readonly groups: readonly string[];
  readonly tags: readonly string[];
  readonly presence: readonly SavedPresence[];
  /** The groups whose presence the actor watches. */
  readonly watches: readonly string[];
}

/**
 * The saved state of a machine consumer's actor: the result of {@link ActorRef.snapshot}. The snapshot is
 * plain data, which stays the same when it is converted to JSON and back.
 */
export interface ActorSnapshot extends SavedMachine, SavedMemberships {
  /** The version of this format. */
  readonly version: 1;
}

/**
 * Returns a checked copy of a snapshot, because XState changes a snapshot that it restores.
 * @throws {SnapshotError} unless `given` has the format of {@link ActorSnapshot}, and is of `machine`.
 */
export function readSnapshot(given: unknown, machine: string): ActorSnapshot {
  const { version, machine: id } = isObject(given) ? given : {};
  if (typeof version !== "number" || typeof id !== "string") {
    throw new SnapshotError(
      "This is not a snapshot of an actor: save it with the method snapshot() of a spawned actor, before stop(). " +
        "A snapshot that XState's getPersistedSnapshot() returns has no delays, groups, tags and presence.",
    );
  }
  if (version !== 1) {
    throw new SnapshotError(
      `The snapshot has version ${version} of the format, but this version of Greenroom restores only version 1.`,
    );
  }
  if (id !== machine) {
    throw new SnapshotError(
      `The snapshot is of the machine ${quote(id)}, but this consumer runs the machine ${quote(machine)}.`,
    );
  }
  return copyOf(given, { ...machineParts, ...membershipParts }) as unknown as ActorSnapshot;
}

/**
 * Returns a checked copy of a saved machine, because XState changes a snapshot that it restores.
 * @throws {SnapshotError} unless `given` has the format of {@link SavedMachine}, and is of `machine`.
 */
export function readMachine(given: unknown, machine: string): SavedMachine {
  const { machine: id } = isObject(given) ? given : {};
  if (id !== machine) {
    const found = typeof id === "string" ? `a snapshot of the machine ${quote(id)}` : "not a saved machine";
    throw new SnapshotError(`This is ${found}, but the machine to restore is ${quote(machine)}.`);
  }
  return copyOf(given, machineParts) as unknown as SavedMachine;
}

function copyOf(given: unknown, parts: Parts<never>): JsonObject {
  const snapshot = jsonCopy(given, "snapshot") as JsonObject;
  for (const [name, isValid] of Object.entries<(part: unknown) => boolean>(parts)) {
    if (!isValid(snapshot[name])) {
      throw new SnapshotError(`snapshot.${name} is not valid: the snapshot was changed, or is incomplete.`);
    }
  }
  return snapshot;
}

export const quote = (text: string): string => JSON.stringify(text);

const isObject = (value: unknown): value is Readonly<Record<string, unknown>> =>
  typeof value === "object" && value !== null;
const isString = (value: unknown): boolean => typeof value === "string";
const isListOf = (isItem: (item: unknown) => boolean) => (value: unknown) =>
  Array.isArray(value) && value.every(isItem);
const isNames = isListOf(isString);

type Parts<K extends string> = { readonly [P in K]: (part: unknown) => boolean };

const machineParts: Parts<Exclude<keyof SavedMachine, "machine">> = {
  state: isJsonObject,
  delays: isListOf(
    (delay) =>
      isJsonObject(delay) &&
      typeof delay.at === "number" &&
      isString(delay.id) &&
      isJsonObject(delay.event) &&
      isString(delay.event.type) &&
      isNames(delay.source) &&
      isNames(delay.target),
  ),
};

const membershipParts: Parts<keyof SavedMemberships> = {
  groups: isNames,
  tags: isNames,
  presence: isListOf(
    (entry) =>
      isJsonObject(entry) &&
      isString(entry.group) &&
      (entry.key === undefined || isString(entry.key)) &&
      (entry.graceMs === undefined || typeof entry.graceMs === "number"),
  ),
  watches: isNames,
};
