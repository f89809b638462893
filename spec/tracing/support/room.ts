import { trace } from "@opentelemetry/api";
import {
  type ContractEvents,
  contractConsumer,
  FrameError,
  frames,
  handlers,
  machineConsumer,
  relay,
  WebSocketConsumer,
} from "greenroom";
import { contract } from "greenroom/contract";
import { setup } from "xstate";
import * as z from "zod";
import { nextTurn } from "../../support/next-turn.ts";

const room = contract({
  path: "/room/:secret",
  client: {
    say: z.object({ text: z.string() }),
    fail: z.object({}),
    refuse: z.object({}),
    leave: z.object({}),
    hang: z.object({}),
    count: z.object({}),
    later: z.object({}),
    work: z.object({}),
  },
  server: { said: z.object({ text: z.string() }), counted: z.object({ sum: z.number() }) },
});

interface Messages {
  said: { text: string };
  add: { number: number };
  broken: object;
}

/** The tracer of the application, from the provider that is registered now. */
export const ownTracer = () => trace.getTracer("application");

/** A consumer whose handlers use each of the traced calls. */
export class Room extends contractConsumer(room)<{ messages: Messages }> {
  static override readonly layer = "chat";
  static override readonly frames = frames<Room>({
    async say({ text }) {
      await nextTurn();
      ownTracer().startSpan("query").end();
      await this.groupSend("room", { type: "said", text });
    },
    fail: () => Promise.reject(new RangeError("no such room")),
    refuse() {
      throw new FrameError("full", "The room is full");
    },
    leave() {
      this.close(4001, "Goodbye");
    },
    hang: () => new Promise<void>(() => {}),
    async count() {
      const { replies } = await this.askGroup("adders", { type: "add", number: 2 });
      const one = await this.ask<number>(replies[0]?.channel ?? "", { type: "add", number: 3 });
      await this.sendTo(replies[0]?.channel ?? "", { type: "add", number: 4 });
      this.send("counted", { sum: one });
    },
    later() {
      this.after(1, () => {
        ownTracer().startSpan("in the timer").end();
        return Room.gate;
      });
    },
    async work() {
      await this.submit("jobs", { type: "resize" });
    },
  });
  static override readonly on = handlers<Room>({
    said: relay,
    add: () => ownTracer().startSpan("of the room").end(),
    broken() {},
  });
  /** The calls of timers wait for this promise. */
  static gate: Promise<void> | undefined;
  override onAway() {}
  override onOnline() {}
  override async connect() {
    if (this.scope.params.secret === "closed") this.reject(403, "This room is closed");
    ownTracer().startSpan("sign-in").end();
    await this.groupAdd("room");
  }
}

/** A member of the group in its query. */
export class Adder extends WebSocketConsumer<{ messages: Messages }> {
  static override readonly layer = "chat";
  static override readonly on = handlers<Adder>({
    said() {
      ownTracer().startSpan("of the member").end();
    },
    add: ({ number }) => number + 1,
    broken() {
      throw new Error("broken");
    },
  });
  override async connect() {
    await this.groupAdd(this.scope.query.get("group") ?? "adders");
  }
}

const lamp = contract({ path: "/lamp", client: { press: z.object({}) }, server: {} });

const pressing = setup({ types: { events: {} as ContractEvents<typeof lamp> } }).createMachine({
  id: "lamp",
  on: { "frame.press": { actions: () => ownTracer().startSpan("of the machine").end() } },
});

/** A state machine with a contract. */
export const Lamp = machineConsumer(pressing, { contract: lamp });
