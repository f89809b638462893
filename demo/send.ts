import { groupName } from "greenroom";
import { roomGroup } from "./consumers/room.ts";
import { analyticsGroup } from "./consumers/showcase/analytics.ts";
import { chatGroup } from "./consumers/showcase/chat.ts";
import { notificationsGroup } from "./consumers/showcase/notifications.ts";
import { reliableGroup } from "./consumers/showcase/reliable.ts";
import { talkGroup } from "./consumers/talk.ts";
import { exitWithError, requireRedisUrl } from "./environment.ts";
import { createLayers, type DemoLayers } from "./layers.ts";
import { readRepetition, repeat } from "./repeat.ts";

// `npm run send` sends a message from a process that has layers but no runtime.

const help = `Sends a message to clients of the demo, from another process.

  REDIS_URL=redis://localhost:6399 npm run send -- [options] <target> "<text>"

  talk <room>   a room of Room Chat: npm run send -- talk general "hello"
  room <name>   a room of the tutorial's chat: npm run send -- room general "hello"
  chat          the chat of the Showcase
  reliable      the reliable chat
  notification  all clients of the notifications
  analytics     all clients of the analytics

  --every <time>  repeats the message until Ctrl+C: 500ms, 2s, 1m
  --count <n>     ends after n messages; needs --every
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

const roomSenders: Readonly<Record<string, (room: string) => Send>> = {
  room:
    (room) =>
    ({ chat }, text) =>
      chat.groupSend(roomGroup(room), { type: "room_message", message: `💬 ${text}` }),
  talk:
    (room) =>
    ({ rooms }, text) =>
      // The sender is not a member, so its key is that of no member.
      rooms.groupSend(talkGroup(room), { type: "said", key: "", name: "npm run send", text, at: Date.now() }),
};

function readArguments(words: readonly string[]): { readonly send: Send; readonly text: string } {
  const [target = "", ...rest] = words;
  const roomSender = Object.hasOwn(roomSenders, target) ? roomSenders[target] : undefined;
  if (roomSender !== undefined) {
    const [room = "", ...text] = rest;
    const wrong = groupName(room);
    if (wrong !== undefined) throw new Error(`${JSON.stringify(room)} is not a room name. ${wrong}.`);
    return { send: roomSender(room), text: readText(text) };
  }
  const send = Object.hasOwn(senders, target) ? senders[target] : undefined;
  if (send === undefined) {
    const targets = [...Object.keys(roomSenders), ...Object.keys(senders)].join(", ");
    throw new Error(`The target is ${JSON.stringify(target)}; it must be one of ${targets}. See --help.`);
  }
  return { send, text: readText(rest) };
}

function readText(words: readonly string[]): string {
  const text = words.join(" ");
  if (text.trim() !== "") return text;
  throw new Error('The text is missing: npm run send -- room general "hello"');
}

let sent = 0;
try {
  const words = process.argv.slice(2);
  // Other options come first. Later words are not parsed as options: a text may begin with a dash.
  if (words.includes("--help")) {
    process.stdout.write(help);
  } else {
    const [repetition, rest] = readRepetition(words);
    const { send, text } = readArguments(rest);
    const redisUrl = requireRedisUrl(
      process.env.REDIS_URL,
      "the layers would be in the memory of this process, and NO CLIENT WOULD RECEIVE THE MESSAGE.",
    );
    const layers = createLayers(redisUrl);
    const stop = new AbortController();
    for (const signal of ["SIGINT", "SIGTERM"]) process.on(signal, () => stop.abort());
    const sendOnce = async () => {
      await send(layers, text);
      sent += 1;
      process.stdout.write(repetition.count === 1 ? "Sent.\n" : `Sent ${sent}.\n`);
    };
    try {
      await repeat(sendOnce, repetition, stop.signal);
    } finally {
      await Promise.all(Object.values(layers).map((layer) => layer.close()));
    }
  }
} catch (error) {
  exitWithError(sent === 0 ? "Nothing was sent." : `Sent ${sent}, and then no more.`, error);
}
