import type { ChannelLayer } from "../../layers/channel-layer.ts";
import { maxDelayMs } from "../../layers/check-integer.ts";
import { checkCloseFrame } from "../socket/close-frame.ts";
import type { LocalAsks } from "./local-asks.ts";
import type { Respondent } from "./scatter-gather.ts";
import type { Tags } from "./tags.ts";
import { readChannel, readMessage, readName, readText } from "./untrusted.ts";

/** What this node says to the surveys there are, by what they are about. */
export function createRespondents(
  layers: Readonly<Record<string, ChannelLayer>>,
  questions: LocalAsks,
  tags: Tags,
): Readonly<Record<string, Respondent>> {
  return {
    ask({ group, layer, message, except }, deadlineMs) {
      const name = readName(group);
      const alias = readText(layer);
      const inner = readMessage(message);
      const asker = except === undefined ? undefined : readChannel(except);
      if (name === undefined || alias === undefined || inner === undefined) return undefined;
      const found = Object.hasOwn(layers, alias) ? layers[alias] : undefined;
      return questions.askGroup(found, name, inner, Math.min(deadlineMs, maxDelayMs), asker);
    },
    count({ tag }) {
      const name = readName(tag);
      return name === undefined ? undefined : Promise.resolve([tags.count(name)]);
    },
    disconnect({ tag, code, reason }) {
      const name = readName(tag);
      if (name === undefined || !isCloseFrame(code, reason)) return undefined;
      return Promise.resolve([tags.disconnect(name, code as number, reason as string)]);
    },
  };
}

function isCloseFrame(code: unknown, reason: unknown): boolean {
  try {
    checkCloseFrame(code, reason);
    return true;
  } catch {
    return false;
  }
}
