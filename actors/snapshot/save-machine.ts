import { type AnyActor, type AnyActorRef, type AnyMachineSnapshot, isMachineSnapshot } from "xstate";
import { type Clock, wallOffsetOf } from "../../layers/clock.ts";
import { textOf } from "../../layers/errors.ts";
import { quote, type SavedDelay, type SavedMachine } from "./actor-snapshot.ts";
import { type Json, type JsonObject, jsonCopy, pathOf, type Replace } from "./json-copy.ts";
import { SnapshotError } from "./snapshot-error.ts";
import { actorMark, isActor, type ScheduledEvent, scheduledEventsOf } from "./xstate-internals.ts";

/** The ids that XState generates for actors. */
const generatedId = /^x:\d+$/;

interface Child extends AnyActor {
  /** Whether the machine receives the snapshots of this child as events. Missing in the types of XState. */
  readonly _syncSnapshot?: boolean;
}

type Outcome = { readonly status?: string; readonly output?: unknown; readonly error?: unknown };

type Children = AnyMachineSnapshot["children"];

/**
 * Saves a running machine, its children and its delays.
 * @throws {SnapshotError} if the machine has ended, or if a part of it cannot be saved.
 */
export function saveMachine(actor: AnyActor, clock: Clock): SavedMachine {
  const { status } = actor.getSnapshot();
  if (status !== "active")
    throw new SnapshotError(`The machine has the status ${quote(status)}: save it while it runs.`);
  const state = saveState(actor, "state") as JsonObject;
  return { machine: actor.logic.id, state, delays: delaysOf(actor, clock) };
}

/**
 * Returns the state of an actor and its children in XState's format for persisted snapshots.
 * @param path the place of the state in the snapshot, for errors
 * @throws {SnapshotError} if a part of it cannot be saved.
 */
export function saveState(actor: AnyActorRef, path: string): Json {
  const snapshot: unknown = actor.getSnapshot();
  if (!isMachineSnapshot(snapshot)) return jsonCopy(withoutOutcome(actor.getPersistedSnapshot(), path), path);
  const children: Record<string, Json> = {};
  for (const [id, child] of childrenOf(snapshot)) {
    children[id] = saveChild(id, child, pathOf(`${path}.children`, id));
  }
  const context = jsonCopy(snapshot.context, `${path}.context`, referenceTo(snapshot.children));
  return { ...placeOf(actor as AnyActor, snapshot, path), context, children };
}

/** Returns the state of a machine without its context and children. */
function placeOf({ logic }: AnyActor, snapshot: AnyMachineSnapshot, path: string): JsonObject {
  const { _nodes: nodes, historyValue: history, status } = snapshot;
  const saved = places.get(nodes);
  if (saved !== undefined && saved.history === history && status === "active") return saved.place;
  // XState would follow a context that contains itself for ever, so it gets none.
  const persisted = logic.getPersistedSnapshot({ ...snapshot, context: {}, children: {} }, undefined);
  const place = jsonCopy(withoutOutcome(persisted, path), path) as JsonObject;
  if (status === "active") places.set(nodes, { history, place });
  return place;
}

/** The results of {@link placeOf} by XState's list of active states, which is the same until one of them changes. */
const places = new WeakMap<object, { readonly history: unknown; readonly place: JsonObject }>();

/**
 * Returns the state of an ended child without what JSON cannot hold of its outcome: without the output, and
 * with a text instead of the error. Its parent has received the outcome, and does not receive it again.
 */
function withoutOutcome(state: Outcome, path: string): Outcome {
  const { status, output, error } = state;
  if (status === "done" && !canHold(output, path)) return { ...state, output: undefined };
  if (status === "error" && !canHold(error, path)) return { ...state, error: textOf(error) };
  return state;
}

function canHold(value: unknown, path: string): boolean {
  try {
    jsonCopy(value, path);
    return true;
  } catch {
    return false;
  }
}

function saveChild(id: string, child: AnyActorRef, path: string): JsonObject {
  const { src, systemId, _syncSnapshot: syncSnapshot } = child as Child;
  // In another process, XState could generate the same id for a new child, which would replace this one.
  if (child.id !== id || generatedId.test(id)) {
    throw new SnapshotError(
      `A snapshot cannot hold ${path}, which was spawned without an id: spawn it with an \`id\`.`,
    );
  }
  if (typeof src !== "string") {
    throw new SnapshotError(
      `A snapshot cannot hold ${path}, which was spawned without the name of its logic: ` +
        "add the logic to the `actors` of `setup`, and spawn it by its name.",
    );
  }
  return {
    snapshot: saveState(child, `${path}.snapshot`),
    src,
    ...(systemId !== undefined && { systemId }),
    ...(syncSnapshot !== undefined && { syncSnapshot }),
  };
}

/** Replaces references to children of the machine, as XState does. */
function referenceTo(children: Children): Replace {
  return (object, path) => {
    if (actorMark in object) {
      throw new SnapshotError(
        `A snapshot cannot hold ${path()}, because XState treats an object with the key ${actorMark} as an actor.`,
      );
    }
    if (!isActor(object)) return undefined;
    const { id } = object;
    if (children[id] === object) return { [actorMark]: 1, id };
    throw new SnapshotError(
      `A snapshot cannot hold ${path()}, because the actor ${quote(id)} is not a child of this machine: ` +
        "remove the reference from the context, for example when you stop the actor.",
    );
  };
}

function delaysOf(root: AnyActor, clock: Clock): SavedDelay[] {
  // An endless delay has no end to save, and never delivers its event.
  const events = Object.values(scheduledEventsOf(root)).filter(
    ({ delay }) => delay !== Number.POSITIVE_INFINITY,
  );
  if (events.length === 0) return [];
  const paths = new Map<AnyActorRef, readonly string[]>();
  addPaths(root, [], paths);
  const offset = wallOffsetOf(clock);
  return events
    .filter(({ target }) => paths.has(target) || target.getSnapshot().status === "active")
    .map((event) => saveDelay(event, paths, offset))
    .sort((one, other) => one.at - other.at);
}

function saveDelay(
  { id, event, source, target, startedAt, delay }: ScheduledEvent,
  paths: ReadonlyMap<AnyActorRef, readonly string[]>,
  offset: number,
): SavedDelay {
  const place = `delays[${quote(id)}]`;
  const [from, to] = [paths.get(source), paths.get(target)];
  if (from === undefined || to === undefined) {
    const other = from === undefined ? source : target;
    throw new SnapshotError(
      `A snapshot cannot hold ${place}, because its actor ${quote(other.id)} is not a child of the machine.`,
    );
  }
  return {
    at: jsonCopy(offset + startedAt + delay, `${place}.at`) as number,
    id,
    event: jsonCopy(event, `${place}.event`) as SavedDelay["event"],
    source: from,
    target: to,
  };
}

function addPaths(
  actor: AnyActorRef,
  path: readonly string[],
  paths: Map<AnyActorRef, readonly string[]>,
): void {
  paths.set(actor, path);
  const snapshot: unknown = actor.getSnapshot();
  if (!isMachineSnapshot(snapshot)) return;
  for (const [id, child] of childrenOf(snapshot)) addPaths(child, [...path, id], paths);
}

/** The children of a machine. XState has an undefined child if the machine lacks the logic of this child. */
function childrenOf({ children }: Pick<AnyMachineSnapshot, "children">): [string, AnyActorRef][] {
  return Object.entries<AnyActorRef | undefined>(children).flatMap(([id, child]) =>
    child === undefined ? [] : [[id, child]],
  );
}
