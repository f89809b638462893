import {
  type ActorRef,
  type ConsumerClass,
  createRuntime,
  type FrameEvents,
  handlers,
  type Inbox,
  type Mail,
  MemoryLayer,
  type MessageEvents,
  machineConsumer,
  WebSocketConsumer,
} from "greenroom";
import { assign, createActor, setup } from "xstate";
import { cpuOf } from "../harness/cpu.ts";
import type { Figures } from "../harness/results.ts";

export interface Notes {
  note: { by: number };
}

/** The work that every row does for a message or a frame. */
class Sum {
  total = 0;
  take(by: number): void {
    this.total += by;
  }
}

export class Counter extends WebSocketConsumer<{ messages: Notes }> {
  static override readonly layer = "notes";
  static override readonly on = handlers<Counter>({
    note({ by }) {
      this.sum.take(by);
    },
  });
  readonly sum = new Sum();
  override receive(text: string) {
    this.sum.take(text.length);
  }
}

class AsyncCounter extends WebSocketConsumer<{ messages: Notes }> {
  static override readonly layer = "notes";
  static override readonly on = handlers<AsyncCounter>({
    async note({ by }) {
      this.sum.take(by);
    },
  });
  readonly sum = new Sum();
}

const counting = setup({
  types: {
    context: {} as { readonly total: number },
    events: {} as MessageEvents<Notes> | FrameEvents<Notes>,
  },
}).createMachine({
  id: "counting",
  context: { total: 0 },
  on: {
    "message.note": { actions: assign({ total: ({ context, event }) => context.total + event.message.by }) },
    "frame.note": { actions: assign({ total: ({ context, event }) => context.total + event.frame.by }) },
  },
});

export const mail: Mail = Object.freeze({
  message: Object.freeze({ type: "note", by: 1 }),
  delivery: Object.freeze({ group: "notes" }),
});

/** Exposes the inbox that a layer calls for each message. */
export class OpenLayer extends MemoryLayer {
  inbox: Inbox | undefined;
  override newChannel(inbox: Inbox): Promise<string> {
    this.inbox = inbox;
    return super.newChannel(inbox);
  }
}

async function run(
  Consumer: ConsumerClass,
  work: (inbox: Inbox, actor: ActorRef) => Promise<void> | void,
): Promise<number> {
  const notes = new OpenLayer();
  const runtime = createRuntime({ layers: { notes } });
  const actor = await runtime.spawn(Consumer as ConsumerClass & { readonly layer: "notes" });
  const { inbox } = notes;
  if (inbox === undefined) throw new Error("The actor has no channel on the layer.");
  const taken = await cpuOf(() => work(inbox, actor));
  const { overflow, closing } = runtime.counters().dropped;
  if (overflow + closing > 0) throw new Error("Some messages were dropped.");
  await runtime.close();
  return taken;
}

const deliver = (count: number) => (inbox: Inbox) => {
  for (let index = 0; index < count; index += 1) inbox.deliver(mail);
};

const frame = '{"type":"note","by":1}';
const receive = (count: number) => (_: Inbox, actor: ActorRef) => {
  for (let index = 0; index < count; index += 1) actor.receive(frame);
};

const burst = 500;

/**
 * Delivers messages in bursts. All messages of a burst except the first wait in the mailbox, because each
 * handler takes a microtask.
 */
const queued = (count: number) => async (inbox: Inbox) => {
  for (let sent = 0; sent < count; sent += burst) {
    for (let index = 0; index < burst; index += 1) inbox.deliver(mail);
    // At the next turn of the event loop, the mailbox is empty again.
    await new Promise((resolve) => setImmediate(resolve));
  }
};

export const Machine = machineConsumer(counting, { layer: "notes" });

/** Each row returns the CPU time of `count` messages or frames in microseconds. */
const rows = {
  async call(count) {
    const sum = new Sum();
    const taken = await cpuOf(() => {
      for (let index = 0; index < count; index += 1) sum.take((mail.message as unknown as Notes["note"]).by);
    });
    if (sum.total !== count) throw new Error("The sum is wrong.");
    return taken;
  },
  message: (count) => run(Counter, deliver(count)),
  frame: (count) => run(Counter, receive(count)),
  asyncMessage: (count) => run(AsyncCounter, queued(count)),
  send(count) {
    const actor = createActor(counting).start();
    const event = { type: "message.note", ...mail } as unknown as MessageEvents<Notes>;
    return cpuOf(() => {
      for (let index = 0; index < count; index += 1) actor.send(event);
    });
  },
  machineMessage: (count) => run(Machine, deliver(count)),
  machineFrame: (count) => run(Machine, receive(count)),
} satisfies Record<string, (count: number) => Promise<number>>;

export type MessagingRow = keyof typeof rows;

/** Nanoseconds of CPU per message, and messages per second on one core. */
export async function measureMessaging(name: MessagingRow, count: number): Promise<Figures> {
  const isSlow = name === "send" || name.startsWith("machine");
  const messages = Math.max(1, Math.round(isSlow ? count / 10 : count));
  await rows[name](messages / 5);
  const each = ((await rows[name](messages)) * 1_000) / messages;
  return { each, perSecond: 1e9 / each };
}
