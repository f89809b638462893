import { type ChannelLayer, type Inbox, type Mail, MemoryLayer } from "../../../index.ts";
import { RedisPubSubLayer, RedisStreamsLayer } from "../../../layers/redis/index.ts";
import { type Carrier, membersOf, text } from "./carrier.ts";

const prefix = "bench";
const type = "message";

export async function memory(): Promise<Carrier> {
  return carrierOf(new MemoryLayer());
}

export function pubSub(url: string): Promise<Carrier> {
  return carrierOf(new RedisPubSubLayer({ url, prefix }));
}

export function encryptedPubSub(url: string): Promise<Carrier> {
  return carrierOf(new RedisPubSubLayer({ url, prefix, encryption: { keys: ["a secret of the bench"] } }));
}

export function streams(url: string): Promise<Carrier> {
  return carrierOf(new RedisStreamsLayer({ url, prefix }));
}

async function carrierOf(layer: ChannelLayer): Promise<Carrier> {
  await layer.ready();
  let single: Promise<string> | undefined;
  return {
    async join(groups, members, arrived) {
      const channels = await Promise.all(
        membersOf(members, arrived).map((member) => layer.newChannel(inbox(member))),
      );
      await Promise.all(groups.flatMap((group) => channels.map((channel) => layer.groupAdd(group, channel))));
    },
    publish: (group, sentAt) => layer.groupSend(group, { type, text, sentAt }),
    async joinOne(group) {
      single ??= layer.newChannel(inbox(() => {}));
      await layer.groupAdd(group, await single);
    },
  };
}

function inbox(arrived: (sentAt: number) => void): Inbox {
  return {
    deliver({ message }: Mail) {
      arrived(message.sentAt as number);
    },
    gap() {},
  };
}
