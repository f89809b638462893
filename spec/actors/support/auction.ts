import {
  type ConnectionEvents,
  type ContractEffect,
  type ContractEvents,
  createRuntime,
  MemoryLayer,
  type MessageEvents,
  machineConsumer,
} from "greenroom";
import { contract } from "greenroom/contract";
import { type Communicator, communicateWith } from "greenroom/testing";
import {
  type AnyStateMachine,
  assign,
  createMachine,
  emit,
  fromPromise,
  SimulatedClock,
  setup,
} from "xstate";
import { z } from "zod";
import { gate } from "../../support/gate.ts";
import { unlessByMachine } from "../../support/serving.ts";

/** Opens the asynchronous schema of the frame `slow`. */
export const checking = gate();

export const auction = contract({
  path: "/ws/auction/:lot",
  params: z.object({ lot: z.string().regex(/^\d+$/).transform(Number) }),
  client: {
    bid: { payload: z.object({ amount: z.number().positive() }), reply: z.object({ best: z.number() }) },
    settle: { payload: z.object({ note: z.string().optional() }), reply: z.object({ best: z.number() }) },
    close: z.object({ id: z.string().optional() }),
    count: z.number(),
    at: z.string().transform((text) => new Date(text)),
    slow: z.object({ text: z.string() }).refine(async () => {
      await checking.opened;
      return true;
    }),
    broken: z.unknown().transform(() => {
      throw new Error("A bug in a schema");
    }),
    deep: z.unknown(),
  },
  server: { best: z.object({ amount: z.number() }), tick: z.number(), echo: z.object({ text: z.string() }) },
});

type Frames = ContractEvents<typeof auction>;

/** The machine of an auction. */
export const selling = setup({
  types: {
    context: {} as { readonly best: number; readonly lastId: string | number | undefined },
    events: {} as Frames | MessageEvents<{ best: object; low: object }> | ConnectionEvents,
    emitted: {} as ContractEffect<typeof auction>,
    input: {} as { readonly lot: number },
  },
  guards: {
    isHigher: ({ context, event }) => event.type === "frame.bid" && event.frame.amount > context.best,
  },
  actors: { work: fromPromise(async () => {}) },
  delays: { later: 1_000 },
}).createMachine({
  id: "auction",
  context: ({ input }) => ({ best: input.lot, lastId: undefined }),
  initial: "open",
  on: {
    "message.best": { actions: emit(({ context }) => ({ type: "reply", value: { best: context.best } })) },
    "message.low": { actions: emit({ type: "refuse", code: "low", message: "Too low" }) },
    "frame.count": {
      actions: emit(({ event }) => ({ type: "send", frame: { type: "tick", value: event.frame.value + 1 } })),
    },
    "frame.at": {
      actions: emit(({ event }) => ({
        type: "send",
        frame: { type: "echo", text: event.frame.value.toISOString() },
      })),
    },
    "frame.slow": {
      actions: emit(({ event }) => ({ type: "send", frame: { type: "echo", text: event.frame.text } })),
    },
    "frame.deep": {
      actions: emit(({ event: { frame } }) => ({
        type: "send",
        frame: {
          type: "echo",
          text: `${Object.keys(frame)} ${Object.getPrototypeOf(frame) === Object.prototype}`,
        },
      })),
    },
    "frame.broken": { actions: () => {} },
  },
  states: {
    open: {
      on: {
        "frame.bid": [
          {
            guard: "isHigher",
            actions: [
              assign({ best: ({ event }) => event.frame.amount }),
              emit(({ context }) => ({ type: "send", frame: { type: "best", amount: context.best } })),
              emit(({ context }) => ({ type: "reply", value: { best: context.best } })),
            ],
          },
          {
            actions: emit(({ context }) => ({
              type: "refuse",
              code: "too_low",
              message: "Another bid is higher",
              data: { best: context.best },
            })),
          },
        ],
        "frame.settle": { target: "settling", actions: assign({ lastId: ({ event }) => event.frame.id }) },
        "frame.close": {
          target: "closed",
          actions: emit(({ event }) => ({
            type: "send",
            frame: { type: "echo", text: `by ${event.frame.id}` },
          })),
        },
      },
    },
    settling: {
      after: {
        later: {
          target: "open",
          actions: emit(({ context }) => ({
            type: "reply",
            value: { best: context.best },
            id: context.lastId,
          })),
        },
      },
    },
    closed: {},
  },
});

const Auction = machineConsumer(selling, {
  contract: auction,
  layer: "chat",
  input: ({ params }) => ({ lot: params.lot }),
});

/** A runtime with one client of the auction. */
export class AuctionHouse {
  readonly errors: string[] = [];
  readonly clock = new SimulatedClock();
  readonly runtime = createRuntime({
    layers: { chat: new MemoryLayer() },
    clock: this.clock,
    onError: unlessByMachine((error) => this.errors.push(String(error))),
  });
  readonly client: Communicator;

  constructor() {
    this.runtime.route(Auction);
    this.client = communicateWith(this.runtime, "/ws/auction/10");
  }

  static async open(): Promise<AuctionHouse> {
    const house = new AuctionHouse();
    await house.client.connect();
    return house;
  }

  get refused(): Readonly<Record<string, number>> {
    return this.runtime.counters().refusedFrames;
  }

  async next(from = this.client): Promise<{ readonly [key: string]: unknown }> {
    return (await from.receiveJson()) as { readonly [key: string]: unknown };
  }

  /** Sends `frame`, and returns the next frame of the server. */
  answerTo(frame: unknown, to = this.client): Promise<{ readonly [key: string]: unknown }> {
    to.send(typeof frame === "string" ? frame : JSON.stringify(frame));
    return this.next(to);
  }

  /** A client of another machine with the contract of the auction. */
  async clientOf(machine: AnyStateMachine, options: object = {}): Promise<Communicator> {
    this.runtime.route(machineConsumer(machine, { contract: auction, ...options }), { replace: true });
    const other = communicateWith(this.runtime, "/ws/auction/10");
    await other.connect();
    return other;
  }
}

export const reply = (id: unknown, best: number) => ({ type: "greenroom.reply", id, value: { best } });

/** A machine that runs `actions` at each frame. */
export function anyFrame(actions: readonly unknown[]): AnyStateMachine {
  return createMachine({ id: "any", on: { "frame.*": { actions: actions as never } } } as never);
}
