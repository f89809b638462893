import type { AnyStateMachine } from "xstate";
import type { Named } from "./description.ts";
import { defined, plain } from "./plain.ts";

/** The name of anonymous functions and logic. */
export const inline = "inline";

/** JavaScript names an anonymous function after the property that it is assigned to, such as `guard`. */
const inferredNames = new Set(["", "actions", "guard", "entry", "exit", "src", "config"]);

const shownParams: Readonly<Record<string, readonly string[]>> = {
  "xstate.raise": ["event", "delay", "id"],
  "xstate.sendTo": ["to", "event", "delay", "id"],
  "xstate.emit": ["event"],
  "xstate.cancel": ["sendId"],
  "xstate.spawnChild": ["src", "id"],
  "xstate.stopChild": ["actorRef"],
  "xstate.log": ["value", "label"],
};

export function list<T>(value: T | readonly T[] | undefined): readonly T[] {
  if (value === undefined) return [];
  return Array.isArray(value) ? value : [value as T];
}

export function actionOf(action: unknown): Named {
  if (typeof action !== "function") return named(action);
  const own = action as unknown as Readonly<Record<string, unknown>>;
  if (typeof own.type !== "string" || !own.type.startsWith("xstate.")) return { type: functionName(action) };
  if (own.type === "xstate.assign") {
    const keys = typeof own.assignment === "object" ? Object.keys(own.assignment ?? {}) : [];
    return keys.length === 0 ? { type: own.type } : { type: own.type, params: { assigns: keys } };
  }
  const given = (shownParams[own.type] ?? []).flatMap((key) => {
    const value = key === "src" && typeof own[key] !== "string" ? sourceName(own[key]) : plain(own[key]);
    return value === undefined ? [] : [[key, value] as const];
  });
  return given.length === 0 ? { type: own.type } : { type: own.type, params: Object.fromEntries(given) };
}

export function guardOf(guard: unknown): Named | undefined {
  if (guard === undefined) return undefined;
  if (typeof guard !== "function") return named(guard);
  const own = guard as unknown as { check?: unknown; guards?: readonly unknown[]; stateValue?: unknown };
  if (own.check !== undefined && Array.isArray(own.guards))
    return { type: `xstate.${guard.name}`, params: { guards: own.guards.map(guardOf) } };
  if (own.check !== undefined)
    return { type: "xstate.stateIn", params: { stateValue: plain(own.stateValue) } };
  return { type: functionName(guard) };
}

export function sourceName(src: unknown): string {
  if (typeof src === "string") return src;
  const { id, config } = (src ?? {}) as { readonly id?: unknown; readonly config?: unknown };
  if (isMachine(src)) return typeof id === "string" && id !== "(machine)" ? id : inline;
  return typeof config === "function" ? functionName(config) : inline;
}

/** Whether `value` is an XState machine from any copy of XState. */
export function isMachine(value: unknown): value is AnyStateMachine {
  return typeof value === "object" && value !== null && "__xstatenode" in value && "root" in value;
}

function named(value: unknown): Named {
  if (typeof value === "string") return { type: value };
  const { type, params } = value as { readonly type: unknown; readonly params?: unknown };
  return defined({ type: String(type), params: plain(params) });
}

// biome-ignore lint/complexity/noBannedTypes: only the name is read.
function functionName(of: Function): string {
  return inferredNames.has(of.name) ? inline : of.name;
}
