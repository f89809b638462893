import { type ConsumerClass, createRuntime, MemoryLayer } from "../../index.ts";
import type { Inbox, Mail } from "../../layers/message.ts";
import type { Figures } from "../harness/results.ts";
import { leastCpuOf } from "./least-cpu.ts";
import { onError } from "./on-error.ts";
import { consumers, type RoomRow } from "./room-consumers.ts";
import { members, size } from "./rows.ts";

/** Exposes the inbox that a layer calls for each message. */
class OpenLayer extends MemoryLayer {
  inbox: Inbox | undefined;
  override newChannel(inbox: Inbox): Promise<string> {
    this.inbox = inbox;
    return super.newChannel(inbox);
  }
}

const text = "x".repeat(size);

/** A new message for the consumer of a row, as a layer passes it to all members. */
function mailFor(row: RoomRow): Mail {
  const message =
    row === "constant"
      ? { type: "encoded", frame: JSON.stringify({ type: "said", text }) }
      : { type: row === "relayAs" ? "spoken" : "said", text };
  return Object.freeze({ message: Object.freeze(message), delivery: Object.freeze({ group: "room" }) });
}

/**
 * Delivers messages to one actor without a socket. Each message is delivered as often as to a room.
 * @returns nanoseconds of CPU per delivery
 */
export async function measureDeliveries(
  row: RoomRow,
  validateOutgoing: boolean,
  messages: number,
): Promise<Figures> {
  const chat = new OpenLayer();
  const runtime = createRuntime({ layers: { chat }, validateOutgoing, onError });
  const Consumer: ConsumerClass = consumers[row];
  await runtime.spawn(Consumer as ConsumerClass & { readonly layer: "chat" });
  const { inbox } = chat;
  if (inbox === undefined) throw new Error("The actor has no channel on the layer.");
  const least = await leastCpuOf(() => {
    for (let sent = 0; sent < messages; sent += 1) {
      const mail = mailFor(row);
      for (let member = 0; member < members; member += 1) inbox.deliver(mail);
    }
  });
  const { overflow, closing, unhandled } = runtime.counters().dropped;
  if (overflow + closing + unhandled > 0) throw new Error("Some messages were dropped.");
  await runtime.close();
  return { each: (least * 1_000) / (messages * members) };
}
