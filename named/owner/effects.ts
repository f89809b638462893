import type { NamedEffect } from "../../actors/index.ts";
import { InvalidMessageError, textOf } from "../../layers/errors.ts";
import { checkGroup, checkQueue } from "../../layers/names.ts";
import { valueThroughCodec } from "../../layers/through-codec.ts";
import { checkKey, checkKind } from "../keys.ts";
import { type Answer, type OutboxRecord, readAsk } from "../records.ts";

/** The checked effects of one step. */
export interface StepEffects {
  readonly answers: readonly { readonly ask: string; readonly answer: Answer }[];
  readonly outbox: readonly OutboxRecord[];
}

/**
 * Checks the events that a step has emitted. Effects on asks that do not exist do nothing.
 *
 * @param ask the ask that has caused the step. Undefined if the message does not ask.
 * @param isMessage whether a message has caused the step
 * @throws {TypeError} for an event that is not an effect of a named actor, and for an answer to no ask.
 * @throws {InvalidNameError} @throws {InvalidMessageError}
 */
export function effectsOf(
  emitted: readonly unknown[],
  ask: string | undefined,
  isMessage: boolean,
): StepEffects {
  const answers: { ask: string; answer: Answer }[] = [];
  const outbox: OutboxRecord[] = [];
  for (const event of emitted) {
    const effect = Object(event) as NamedEffect;
    switch (effect.type) {
      case "reply":
      case "refuse": {
        const to = "to" in effect ? effect.to : ask;
        if (to === undefined && !isMessage && !("to" in effect)) {
          throw new TypeError(
            `A step that no message has caused emits "${effect.type}": pass the ask as \`to\`, from the ` +
              "`delivery.ask` of its message.",
          );
        }
        if (to !== undefined && readAsk(to) !== undefined)
          answers.push({ ask: to, answer: answerOf(effect) });
        break;
      }
      case "groupSend":
        checkGroup(effect.group);
        outbox.push({
          t: "group",
          group: effect.group,
          message: checked(effect.message),
          ...layerOf(effect),
        });
        break;
      case "tell":
        checkKind(effect.kind);
        checkKey(effect.kind, effect.key);
        outbox.push({ t: "tell", kind: effect.kind, key: effect.key, message: checked(effect.message) });
        break;
      case "submit":
        checkQueue(effect.channel);
        outbox.push({
          t: "submit",
          channel: effect.channel,
          message: checked(effect.message),
          ...layerOf(effect),
        });
        break;
      default:
        throw new TypeError(
          "The machine of a named actor can emit reply, refuse, groupSend, tell and submit, not " +
            `${textOf((event as { readonly type?: unknown } | undefined)?.type ?? event)}.`,
        );
    }
  }
  return { answers, outbox };
}

function layerOf({ layer }: { readonly layer?: string }): { readonly layer?: string } {
  return layer === undefined ? {} : { layer };
}

function answerOf(effect: Extract<NamedEffect, { readonly type: "reply" | "refuse" }>): Answer {
  // The asking code of this node must not share objects with the machine.
  if (effect.type === "reply") return { ok: valueThroughCodec(effect.value, "The value of a reply") };
  const { code, message, data } = effect;
  if (typeof code !== "string" || code.startsWith("greenroom.")) {
    throw new TypeError(
      `"${textOf(code)}" cannot be the code of a refusal: codes that begin with "greenroom." belong to the protocol.`,
    );
  }
  return {
    refused: { code, message: String(message), data: valueThroughCodec(data, "The data of a refusal") },
  };
}

/** @throws {InvalidMessageError} unless `message` has a type. The outbox checks the rest. */
function checked(message: { readonly type: string }): { readonly type: string } {
  const { type } = Object(message) as { readonly type?: unknown };
  if (typeof type === "string" && type !== "" && !type.startsWith("xstate.")) return message;
  throw new InvalidMessageError("An effect has a message without a valid `type`.");
}
