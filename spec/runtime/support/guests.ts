import {
  type ConnectionEvents,
  type Consumer,
  type Effect,
  type Exit,
  type FrameEvents,
  handlers,
  JsonWebSocketConsumer,
  type MessageEvents,
  machineConsumer,
} from "greenroom";
import { emit, fromCallback, setup } from "xstate";

/** Records the guests of a server, and delays their `connect`. */
export class Guestbook {
  /** The number of calls of `disconnect`. */
  disconnects = 0;
  /** The number of running child actors. */
  children = 0;
  /** The number of calls of `connect`. */
  arrivals = 0;
  /** Awaited in `connect`. */
  door: Promise<void> | undefined;
}

export interface News {
  news: { number: number };
}

/** Two consumers in the group "guests" that handle the frames `echo`, `throw` and `close`, and `news`. */
export function guests(book: Guestbook) {
  class Guest extends JsonWebSocketConsumer<{ messages: News }> {
    static override readonly layer = "chat";
    static override readonly on = handlers<Guest>({
      async news({ number }) {
        await undefined;
        this.sendJson({ type: "news", number });
      },
    });
    override async connect() {
      book.arrivals += 1;
      const as = this.scope.query.get("as");
      if (as === "rejected") this.reject(409, "Full");
      if (as === "failing") throw new Error("thrown by connect");
      await book.door;
      await this.accept();
      await this.groupAdd("guests");
      this.sendJson({ type: "ready" });
    }
    override receive(value: unknown) {
      const { type } = value as { type: string };
      if (type === "throw") throw new Error("thrown by a handler");
      if (type === "close") this.close(4000, "enough");
      else this.sendJson(value);
    }
    override disconnect() {
      book.disconnects += 1;
    }
  }

  const child = fromCallback(() => {
    book.children += 1;
    return () => {
      book.children -= 1;
    };
  });
  const machine = setup({
    types: {
      events: {} as
        | FrameEvents<{ echo: object; throw: object; close: object }>
        | MessageEvents<News>
        | ConnectionEvents,
      emitted: {} as Effect,
    },
    actors: { child },
  }).createMachine({
    id: "guest",
    entry: [emit({ type: "join", group: "guests" }), emit({ type: "send", frame: { type: "ready" } })],
    invoke: { src: "child" },
    initial: "here",
    states: { here: { invoke: { src: "child" }, after: { 3600000: {} } } },
    on: {
      "frame.echo": { actions: emit(({ event }) => ({ type: "send", frame: event.frame })) },
      "message.news": {
        actions: emit(({ event }) => ({
          type: "send",
          frame: { type: "news", number: event.message.number },
        })),
      },
      "frame.throw": {
        actions: () => {
          throw new Error("thrown by a machine");
        },
      },
      "frame.close": { actions: emit({ type: "close", code: 4000, reason: "enough" }) },
    },
  });
  const GuestMachine = machineConsumer(machine, { layer: "chat" });
  // Counted by the consumer, because a failed machine receives no further events.
  const { prototype } = GuestMachine as unknown as { readonly prototype: Consumer };
  const { disconnect } = prototype;
  prototype.disconnect = function (this: Consumer, code: number, exit: Exit) {
    book.disconnects += 1;
    return disconnect.call(this, code, exit);
  };
  return { Guest, GuestMachine };
}
