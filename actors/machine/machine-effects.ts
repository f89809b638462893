import type { Contract } from "../../contract/index.ts";
import { textOf } from "../../layers/errors.ts";
import type { ConsumerContext } from "../consumer-context.ts";
import { checkOutgoing, checkServerFrame } from "../contract/outgoing-check.ts";
import { jsonText } from "../json-text.ts";
import type { Effect } from "./machine-events.ts";

/** Performs an effect on the connection. Returns a promise if the effect takes time. */
export function performEffect(
  context: ConsumerContext,
  effect: Exclude<Effect, { readonly type: "send" | "reply" | "refuse" }>,
): void | Promise<void> {
  const { groups, messaging } = context;
  switch (effect.type) {
    case "drain":
      return context.drained();
    case "close": {
      const { code = 1000, reason = "" } = effect;
      return context.close(code, reason);
    }
    case "join":
      return groups.groupAdd(effect.group);
    case "leave":
      return groups.groupDiscard(effect.group);
    case "tag":
    case "untag":
      return messaging[effect.type](effect.tag);
    case "track": {
      const { group, meta = {} } = effect;
      return messaging.track(group, meta, effect);
    }
    case "untrack":
    case "watch":
    case "unwatch":
      return messaging[effect.type](effect.group);
    case "groupSend": {
      const except = effect.others ? { except: groups.channel } : {};
      return groups.groupSend(effect.group, effect.message, except);
    }
    case "tell":
      return messaging.named(effect.kind).get(effect.key).send(effect.message);
    default:
      throw new TypeError(
        "A machine and its actors can emit send, reply, refuse, drain, close, join, leave, tag, untag, track, " +
          `untrack, watch, unwatch, groupSend and tell, not ${nameOf(effect)}.`,
      );
  }
}

/**
 * Sends a frame that a machine has emitted. With the runtime's option `validateOutgoing`, reports a frame that does
 * not fit the contract.
 * @throws {TypeError} if JSON cannot hold the frame.
 */
export function sendMachineFrame(
  context: ConsumerContext,
  contract: Contract | undefined,
  frame: unknown,
): void {
  if (contract !== undefined && !(frame instanceof Uint8Array)) {
    const { type } = Object(frame) as { readonly type?: unknown };
    checkOutgoing(context, (report) => checkServerFrame(contract, textOf(type), frame, report));
  }
  context.send(typeof frame === "string" || frame instanceof Uint8Array ? frame : jsonText(frame));
}

/** The type of an emitted event, for an error. */
export function nameOf(effect: unknown): string {
  return textOf((effect as { readonly type?: unknown } | undefined)?.type ?? effect);
}
