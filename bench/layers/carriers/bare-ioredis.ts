import { Redis } from "ioredis";
import { encode } from "../../../layers/wire/codec.ts";
import { type Carrier, membersOf, text } from "./carrier.ts";

type Members = readonly ((sentAt: number) => void)[];

/** The number of bytes in which the layers encode a message with the same text. */
const length = encode({ type: "message", text, sentAt: 0.5 }).length;

/**
 * The control: `PUBLISH`, `SUBSCRIBE` and the look-up of a channel's members. A message has as many bytes as
 * a message of the layers, but only the time is encoded and decoded.
 */
export function bareBytes(url: string): Carrier {
  const template = Buffer.alloc(length, text);
  const groups = new Map<string, Members>();
  const subscriber = new Redis(url);
  const publisher = new Redis(url);
  subscriber.on("messageBuffer", (channel: Buffer, payload: Buffer) => {
    const sentAt = payload.readDoubleLE(0);
    for (const member of groups.get(channel.toString("latin1")) ?? []) member(sentAt);
  });
  return {
    ...joining(subscriber, groups),
    publish(group, sentAt) {
      const payload = Buffer.from(template);
      payload.writeDoubleLE(sentAt);
      return publisher.publish(group, payload);
    },
  };
}

/** Like {@link bareBytes}, but with strings, which ioredis writes and reads differently. */
export function bareText(url: string): Carrier {
  const groups = new Map<string, Members>();
  const subscriber = new Redis(url);
  const publisher = new Redis(url);
  subscriber.on("message", (channel: string, payload: string) => {
    const sentAt = Number.parseFloat(payload);
    for (const member of groups.get(channel) ?? []) member(sentAt);
  });
  return {
    ...joining(subscriber, groups),
    publish: (group, sentAt) => publisher.publish(group, `${sentAt} ${text}`.padEnd(length, "x")),
  };
}

function joining(subscriber: Redis, groups: Map<string, Members>): Pick<Carrier, "join" | "joinOne"> {
  return {
    async join(names, members, arrived) {
      for (const name of names) groups.set(name, membersOf(members, arrived));
      await subscriber.subscribe(...names);
    },
    joinOne: (name) => subscriber.subscribe(name),
  };
}
