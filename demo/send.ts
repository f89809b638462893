import { groupName } from "greenroom";
import { roomGroup } from "./consumers/room.ts";
import { analyticsGroup } from "./consumers/showcase/analytics.ts";
import { chatGroup } from "./consumers/showcase/chat.ts";
import { notificationsGroup } from "./consumers/showcase/notifications.ts";
import { reliableGroup } from "./consumers/showcase/reliable.ts";
import { giveUp, readNeededRedisUrl } from "./environment.ts";
import { createLayers, type DemoLayers } from "./layers.ts";

// `npm run send`: says something to everybody, from a process that serves nothing. A layer is all it takes.

const help = `Sends a message to everybody who is connected to the demo, from outside of it.

  REDIS_URL=redis://localhost:6399 npm run send -- <to whom> "<text>"

  room <name>   to all in a room of Room Chat: npm run send -- room general "hello"
  chat          to the chat of the Showcase
  reliable      to the reliable chat
  notification  to all who get notifications
  analytics     an event for all who watch them
  --help
`;

type Send = (layers: DemoLayers, text: string) => Promise<void>;

const senders: Readonly<Record<string, Send>> = {
  chat: ({ chat }, text) => chat.groupSend(chatGroup, { type: "chat_message", message: `💬 ${text}` }),
  reliable: ({ queue }, text) =>
    queue.groupSend(reliableGroup, { type: "reliable_chat_message", message: `📨 ${text}` }),
  notification: ({ notifications }, text) =>
    notifications.groupSend(notificationsGroup, {
      type: "notification_message",
      data: { type: "system", message: `🔔 Notification: ${text}` },
    }),
  analytics: ({ analytics }, text) =>
    analytics.groupSend(analyticsGroup, { type: "analytics_message", message: `📊 Analytics: ${text}` }),
};

/** @throws {Error} saying what is wrong with the words. */
function readWords(words: readonly string[]): { readonly send: Send; readonly text: string } {
  const [to = "", ...rest] = words;
  if (to === "room") {
    const [room = "", ...text] = rest;
    const wrong = groupName(room);
    if (wrong !== undefined) throw new Error(`"${room}" is no name of a room. ${wrong}.`);
    const send: Send = ({ chat }, said) =>
      chat.groupSend(roomGroup(room), { type: "room_message", message: `💬 ${said}` });
    return { send, text: readText(text) };
  }
  const send = Object.hasOwn(senders, to) ? senders[to] : undefined;
  if (send === undefined) throw new Error(`To whom? room, ${Object.keys(senders).join(", ")}: see --help.`);
  return { send, text: readText(rest) };
}

function readText(words: readonly string[]): string {
  const text = words.join(" ");
  if (text.trim() !== "") return text;
  throw new Error('There is nothing to send: npm run send -- room general "hello"');
}

try {
  const words = process.argv.slice(2);
  // All other words are what they are: a text may begin with a dash.
  if (words.includes("--help")) {
    process.stdout.write(help);
  } else {
    const { send, text } = readWords(words);
    const redisUrl = readNeededRedisUrl(
      process.env.REDIS_URL,
      ": the layers would be in the memory of this process, and NOBODY WOULD HEAR IT.",
    );
    const layers = createLayers(redisUrl);
    try {
      await send(layers, text);
      process.stdout.write("Sent.\n");
    } finally {
      await Promise.all(Object.values(layers).map((layer) => layer.close()));
    }
  }
} catch (error) {
  giveUp("Nothing was sent.", error);
}
