import type {
  InvokeDescription,
  Named,
  StateDescription,
  TransitionDescription,
  Trigger,
} from "./description.ts";

/** The label of an action: `raise tick`, `send push to #door`, or its name. */
export function actionLabel({ type, params }: Named): string {
  if (!type.startsWith("xstate.")) return type + paramsLabel(params);
  const given = (params ?? {}) as Readonly<Record<string, unknown>>;
  const { event, to, src, sendId, actorRef, assigns, delay } = given;
  const words = (...parts: readonly unknown[]) => parts.filter((part) => part !== undefined).join(" ");
  const eventType = (event as { readonly type?: unknown } | undefined)?.type;
  const later = delay === undefined ? undefined : `after ${delayLabel(delay as number | string)}`;
  switch (type) {
    case "xstate.assign":
      return words("assign", (assigns as readonly string[] | undefined)?.join(", "));
    case "xstate.raise":
      return words("raise", eventType, later);
    case "xstate.sendTo":
      return words("send", eventType, to === undefined ? undefined : `to ${String(to)}`, later);
    case "xstate.emit":
      return words("emit", eventType);
    case "xstate.cancel":
      return words("cancel", sendId);
    case "xstate.spawnChild":
      return words("spawn", src);
    case "xstate.stopChild":
      return words("stop", actorRef);
    default:
      return type.slice("xstate.".length);
  }
}

/** The label of a guard: `isOpen and not isFull`, or its name. */
export function guardLabel({ type, params }: Named): string {
  const { guards = [], stateValue } = (params ?? {}) as { guards?: readonly Named[]; stateValue?: unknown };
  const inner = guards.map((guard) => {
    const label = guardLabel(guard);
    return ["xstate.and", "xstate.or"].includes(guard.type) ? `(${label})` : label;
  });
  switch (type) {
    case "xstate.and":
      return inner.join(" and ");
    case "xstate.or":
      return inner.join(" or ");
    case "xstate.not":
      return `not ${inner.join()}`;
    case "xstate.stateIn":
      return `in ${typeof stateValue === "string" ? stateValue : JSON.stringify(stateValue)}`;
    default:
      return type + paramsLabel(params);
  }
}

export function triggerLabel(trigger: Trigger, { invokes }: StateDescription): string {
  switch (trigger.kind) {
    case "event":
      return trigger.type;
    case "always":
      return "always";
    case "after":
      return `after ${delayLabel(trigger.delay)}`;
    case "done":
      return "done";
    case "actor": {
      const invoke = invokes.find(({ id }) => id === trigger.id);
      return `${trigger.what} of ${invoke === undefined || invoke.named ? trigger.id : invoke.src}`;
    }
  }
}

/** The label of an arrow: triggers, `[guard]`, `/ actions`. */
export function transitionLabel(
  triggers: string,
  { guard, actions, reenter, targets }: TransitionDescription,
): string {
  const again = reenter && targets !== undefined ? " (reenter)" : "";
  return `${triggers}${guard ? ` [${guardLabel(guard)}]` : ""}${effect(actions)}${again}`;
}

export function invokeLabel({ id, src, named }: InvokeDescription): string {
  return named && id !== src ? `invoke ${src} as ${id}` : `invoke ${src}`;
}

export function initialLabel(actions: readonly Named[]): string {
  return effect(actions).trim();
}

export function stateLines(state: StateDescription): string[] {
  const { description, tags, entry, exit, invokes, route } = state;
  return [
    ...(description === undefined ? [] : [description]),
    ...(tags.length === 0 ? [] : [`tags: ${tags.join(", ")}`]),
    ...(entry.length === 0 ? [] : [`entry${effect(entry)}`]),
    ...(exit.length === 0 ? [] : [`exit${effect(exit)}`]),
    ...invokes.map(invokeLabel),
    ...(route === undefined ? [] : [transitionLabel("route", { trigger: { kind: "always" }, ...route })]),
  ];
}

function effect(actions: readonly Named[]): string {
  return actions.length === 0 ? "" : ` / ${actions.map(actionLabel).join(", ")}`;
}

function delayLabel(delay: number | string): string {
  return typeof delay === "number" ? `${delay} ms` : delay;
}

function paramsLabel(params: unknown): string {
  if (params === undefined || params === null) return "";
  const values = typeof params === "object" ? Object.entries(params) : [["", params] as const];
  const text = values.map(([key, value]) => (key === "" ? "" : `${key}: `) + JSON.stringify(value));
  return text.length === 0 ? "" : `(${text.join(", ")})`;
}
