import { createAdapter as createPubSubAdapter } from "@socket.io/redis-adapter";
import { createAdapter as createStreamsAdapter } from "@socket.io/redis-streams-adapter";
import { Redis } from "ioredis";
import { Server, type ServerOptions, type Socket } from "socket.io";
import { type Carrier, membersOf, text } from "./carrier.ts";

/** The packet that the adapter passes to the sockets of a room. */
interface Packet {
  readonly data: readonly [event: string, text: string, sentAt: number];
}

export function socketIoPubSub(url: string): Carrier {
  const client = new AnsweringRedis(url);
  return carrierOf(client, createPubSubAdapter(client, client.duplicate()));
}

export function socketIoStreams(url: string): Carrier {
  const client = new AnsweringRedis(url);
  return carrierOf(client, createStreamsAdapter(client));
}

/** A client that exposes the reply to its last command, which `emit` does not return. */
class AnsweringRedis extends Redis {
  answer: Promise<unknown> = Promise.resolve();

  override sendCommand(...args: Parameters<Redis["sendCommand"]>): unknown {
    this.answer = args[0].promise;
    return super.sendCommand(...args);
  }
}

/**
 * A server without sockets. Its members are in the adapter's rooms in the place of sockets, and receive the
 * packet and the frame that a socket would receive. The adapter encodes the frame once for all members. The
 * members discard the frame.
 */
function carrierOf(client: AnsweringRedis, adapter: NonNullable<ServerOptions["adapter"]>): Carrier {
  const namespace = new Server({ adapter }).of("/");
  return {
    async join(groups, members, arrived) {
      for (const [index, member] of membersOf(members, arrived).entries()) {
        const id = `member-${index}`;
        const socket = {
          notifyOutgoingListeners: ({ data: [, , sentAt] }: Packet) => member(sentAt),
          client: { writeToEngine() {} },
        };
        namespace.sockets.set(id, socket as unknown as Socket);
        void namespace.adapter.addAll(id, new Set(groups));
      }
    },
    publish(group, sentAt) {
      namespace.to(group).emit("message", text, sentAt);
      return client.answer;
    },
  };
}
