import type { AnyStateMachine, AnyStateNode } from "xstate";
import { quote, type SavedMachine } from "./actor-snapshot.ts";
import { isJsonObject, type Json, type JsonObject, pathOf } from "./json-copy.ts";
import { SnapshotError } from "./snapshot-error.ts";
import { actorMark } from "./xstate-internals.ts";

/**
 * Checks that `machine` can continue from `snapshot`. XState would restore most of such snapshots without an
 * error, but without the parts that do not fit.
 *
 * @throws {SnapshotError} that names the state, region, child, history or delay that does not fit.
 */
export function checkState(machine: AnyStateMachine, { state, delays }: SavedMachine): void {
  const { status } = state;
  if (status !== "active")
    throw new SnapshotError(`The machine in the snapshot has the status ${quote(String(status))}.`);
  const actors = new Map<string, readonly AnyStateNode[]>();
  checkMachine(machine, state, "state", [], actors);
  for (const { id, event, source, target } of delays) {
    for (const path of [source, target]) {
      if (!actors.has(pathKeyOf(path)))
        throw lacking(`The delay ${quote(id)}`, `child ${quote(path.join("."))}`);
    }
    // The events of `after` transitions contain the delay and the id of the state.
    const isKnown = actors.get(pathKeyOf(source))?.some(({ transitions }) => transitions.has(event.type));
    if (event.type.startsWith("xstate.after.") && !isKnown)
      throw lacking(`The delay ${quote(id)}`, "transition in its active states");
  }
}

const pathKeyOf = (path: readonly string[]): string => JSON.stringify(path);

/** @param actors receives the active states of this machine and its children, by the path of their ids. */
function checkMachine(
  machine: AnyStateMachine,
  state: JsonObject,
  path: string,
  ids: readonly string[],
  actors: Map<string, readonly AnyStateNode[]>,
): void {
  const active: AnyStateNode[] = [];
  checkValue(machine.root, state.value, `${path}.value`, active);
  actors.set(pathKeyOf(ids), active);
  checkHistory(machine, state.historyValue, `${path}.historyValue`);
  if (typeof state.context !== "object" || state.context === null)
    throw new SnapshotError(
      `snapshot.${path}.context is not valid: the snapshot was changed, or is incomplete.`,
    );
  const children = isJsonObject(state.children) ? state.children : {};
  checkReferences(state.context, `${path}.context`, children);
  for (const [id, child] of Object.entries(children)) {
    const childPath = pathOf(`${path}.children`, id);
    const { src, snapshot } = isJsonObject(child) ? child : {};
    if (typeof src !== "string" || !isJsonObject(snapshot))
      throw new SnapshotError(`snapshot.${childPath} is not a saved child.`);
    const logic = findLogic(machine, src);
    if (logic === undefined) throw lacking(childPath, `actor ${quote(src)}`);
    if (isMachine(logic) !== "historyValue" in snapshot)
      throw lacking(childPath, `actor ${quote(src)} of the same kind`);
    if (isMachine(logic)) checkMachine(logic, snapshot, `${childPath}.snapshot`, [...ids, id], actors);
    else actors.set(pathKeyOf([...ids, id]), []);
  }
}

/** Adds the states that `value` names to `active`. */
function checkValue(node: AnyStateNode, value: Json | undefined, path: string, active: AnyStateNode[]): void {
  active.push(node);
  const states = Object.values(node.states).filter(({ type }) => type !== "history");
  const named = typeof value === "string" ? { [value]: {} } : isJsonObject(value) ? value : {};
  const unknown = Object.keys(named).find((key) => !states.some((state) => state.key === key));
  if (unknown !== undefined) throw lacking(path, `state ${quote(unknown)} in ${quote(node.id)}`);
  const expected = node.type === "parallel" ? states.length : Math.min(states.length, 1);
  if (Object.keys(named).length !== expected) {
    const list = states.map(({ key }) => quote(key)).join(", ");
    throw new SnapshotError(
      `The snapshot does not fit the machine: ${path} has to name ` +
        `${node.type === "parallel" ? "each region" : "one state"} of ${quote(node.id)}: ${list}.`,
    );
  }
  for (const state of states) {
    if (Object.hasOwn(named, state.key)) checkValue(state, named[state.key], pathOf(path, state.key), active);
  }
}

function checkHistory(machine: AnyStateMachine, histories: Json | undefined, path: string): void {
  for (const [id, states] of Object.entries(isJsonObject(histories) ? histories : {})) {
    const ids = Array.isArray(states) ? states.map((state: Json) => isJsonObject(state) && state.id) : [];
    const missing = [id, ...ids].find((other) => typeof other !== "string" || !hasState(machine, other));
    if (missing !== undefined) throw lacking(pathOf(path, id), `state ${quote(String(missing))}`);
  }
}

function checkReferences(value: Json | undefined, path: string, children: JsonObject): void {
  if (typeof value !== "object" || value === null) return;
  if (isJsonObject(value) && Object.hasOwn(value, actorMark)) {
    const { id } = value;
    if (typeof id === "string" && Object.hasOwn(children, id)) return;
    throw new SnapshotError(`snapshot.${path} refers to the child ${quote(String(id))}, which is not saved.`);
  }
  for (const [key, item] of Object.entries(value)) checkReferences(item, pathOf(path, key), children);
}

/** Finds the logic of a child as XState does. XState names an unnamed logic of `invoke` by its place. */
function findLogic(machine: AnyStateMachine, src: string): unknown {
  const [, index, id] = /^xstate\.invoke\.(\d+)\.(.*)$/.exec(src) ?? [];
  if (id === undefined) {
    const { actors } = machine.implementations;
    return Object.hasOwn(actors, src) ? (actors as Record<string, unknown>)[src] : undefined;
  }
  if (!hasState(machine, id)) return undefined;
  const invoked: unknown = machine.getStateNodeById(id).config.invoke;
  const invoke: unknown = Array.isArray(invoked) ? invoked[Number(index)] : invoked;
  return (invoke as { readonly src?: unknown } | undefined)?.src;
}

const isMachine = (logic: unknown): logic is AnyStateMachine =>
  typeof logic === "object" && logic !== null && "getStateNodeById" in logic;

function hasState(machine: AnyStateMachine, id: string): boolean {
  try {
    machine.getStateNodeById(id);
    return true;
  } catch {
    return false;
  }
}

function lacking(place: string, part: string): SnapshotError {
  return new SnapshotError(
    `The snapshot does not fit the machine: ${place} needs the ${part}, which the machine lacks.`,
  );
}
