// Machines and contracts that the compiler accepts or refuses. Each line below a `@ts-expect-error` must be refused.
import {
  type ConnectionEvents,
  type ContractEffect,
  type ContractEvents,
  createRuntime,
  type Effect,
  type FrameEvents,
  MemoryLayer,
  type MessageEvents,
  machineConsumer,
} from "greenroom";
import { contract } from "greenroom/contract";
import { type AnyStateMachine, createMachine, emit, setup } from "xstate";
import { z } from "zod";

const auction = contract({
  path: "/ws/auction/:lot",
  params: z.object({ lot: z.string().transform(Number) }),
  client: {
    bid: { payload: z.object({ amount: z.number() }), reply: z.object({ best: z.number() }) },
    count: z.number(),
    at: z.string().transform((text) => new Date(text)),
    list: z.array(z.string()),
    any: z.unknown(),
  },
  server: { sold: z.object({ to: z.string() }), tick: z.number() },
});

type Frames = ContractEvents<typeof auction>;
type Effects = ContractEffect<typeof auction>;

// ---- a machine that fits
const selling = setup({
  types: {
    context: {} as { readonly best: number },
    events: {} as Frames | MessageEvents<{ bell: object }> | ConnectionEvents,
    emitted: {} as Effects,
    input: {} as { readonly lot: number },
  },
}).createMachine({
  context: ({ input }) => ({ best: input.lot }),
  on: {
    "frame.bid": {
      actions: [
        emit(({ event }) => ({ type: "reply", value: { best: event.frame.amount } })),
        emit(({ event }) => ({ type: "reply", value: { best: 1 }, id: event.frame.id })),
        emit({ type: "refuse", code: "low", message: "Low", data: { best: 5 } }),
        emit({ type: "send", frame: { type: "sold", to: "Ada" } }),
        emit({ type: "send", frame: new Uint8Array(1) }),
        emit({ type: "join", group: "bidders" }),
      ],
    },
    "frame.count": {
      actions: emit(({ event }) => ({ type: "send", frame: { type: "tick", value: event.frame.value } })),
    },
    "frame.at": { actions: ({ event }) => event.frame.value.getTime() },
    "frame.list": { actions: ({ event }) => event.frame.value.at(-1)?.trim() },
    "frame.any": { actions: ({ event }) => [event.frame.value, event.frame.other] },
  },
});
const Auction = machineConsumer(selling, {
  contract: auction,
  layer: "chat",
  input: ({ params }) => ({ lot: params.lot }),
});
const runtime = createRuntime({ layers: { chat: new MemoryLayer() } });
runtime.route(Auction);
await runtime.spawn(Auction, { params: { lot: "7" } });
// @ts-expect-error the path comes from the contract
runtime.route("/ws/auction/:lot", Auction);
// @ts-expect-error params are missing
await runtime.spawn(Auction);
// @ts-expect-error the runtime has no such layer
createRuntime({ layers: { other: new MemoryLayer() } }).route(Auction);

// ---- inside of the machine
const typed = setup({ types: { events: {} as Frames, emitted: {} as Effects } });
typed.createMachine({
  on: {
    "frame.count": {
      // @ts-expect-error the payload is the `value`
      actions: ({ event }) => event.frame.count,
    },
    "frame.bid": {
      // @ts-expect-error the client may have sent no id
      actions: ({ event }) => event.frame.id.toString(),
    },
  },
});
typed.createMachine({
  // @ts-expect-error a frame that the contract lacks
  on: { "frame.sell": {} },
});
// @ts-expect-error a frame of the server with another payload
typed.createMachine({ entry: emit({ type: "send", frame: { type: "sold", to: 1 } }) });
// @ts-expect-error a frame that the contract lacks
typed.createMachine({ entry: emit({ type: "send", frame: { type: "lost" } }) });
// @ts-expect-error text is not a frame of a contract
typed.createMachine({ entry: emit({ type: "send", frame: "sold" }) });
// @ts-expect-error the contract has another reply
typed.createMachine({ entry: emit({ type: "reply", value: { best: "1" } }) });

// ---- machines that do not fit
const machineOf = <E extends { type: string }, F extends { type: string }>(_types: {
  events: E;
  emitted: F;
}) => setup({ types: { events: {} as E, emitted: {} as F } }).createMachine({});

machineConsumer(machineOf({ events: {} as Frames, emitted: {} as Effects }), { contract: auction });
machineConsumer(
  // @ts-expect-error the machine takes only one of the frames
  machineOf({ events: {} as Extract<Frames, { type: "frame.bid" }>, emitted: {} as Effects }),
  { contract: auction },
);
machineConsumer(
  // @ts-expect-error the machine expects another payload
  machineOf({
    events: {} as Exclude<Frames, { type: "frame.bid" }> | FrameEvents<{ bid: { amount: string } }>,
    emitted: {} as Effects,
  }),
  { contract: auction },
);
machineConsumer(
  // @ts-expect-error the contract lacks a frame of the machine
  machineOf({ events: {} as Frames | FrameEvents<{ sell: object }>, emitted: {} as Effects }),
  { contract: auction },
);
machineConsumer(
  // @ts-expect-error the machine may send any frame
  machineOf({ events: {} as Frames, emitted: {} as Effect }),
  { contract: auction },
);
machineConsumer(
  // @ts-expect-error the machine sends a frame with another payload
  machineOf({ events: {} as Frames, emitted: {} as Effect<{ type: "sold"; to: number }, never> }),
  { contract: auction },
);
machineConsumer(
  // @ts-expect-error the machine sends another reply
  machineOf({ events: {} as Frames, emitted: {} as Effect<never, number> }),
  { contract: auction },
);

// ---- frames and replies that JSON cannot hold
const odd = contract({
  path: "/odd",
  client: { list: { payload: z.object({}), reply: z.array(z.set(z.string())) } },
  server: {
    map: z.object({ map: z.map(z.string(), z.number()) }),
    bytes: z.instanceof(Uint8Array),
    at: z.object({ at: z.date(), big: z.bigint(), maybe: z.string().optional() }),
    any: z.unknown(),
  },
});
const sending = setup({ types: { emitted: {} as ContractEffect<typeof odd> } });
sending.createMachine({ entry: emit({ type: "send", frame: { type: "at", at: new Date(), big: 1n } }) });
sending.createMachine({ entry: emit({ type: "send", frame: { type: "any", list: [1] } }) });
sending.createMachine({ entry: emit({ type: "send", frame: new Uint8Array(1) }) });
// @ts-expect-error a Map
sending.createMachine({ entry: emit({ type: "send", frame: { type: "map", map: new Map() } }) });
// @ts-expect-error bytes in a frame
sending.createMachine({ entry: emit({ type: "send", frame: { type: "bytes", value: new Uint8Array(1) } }) });
// @ts-expect-error sets in a reply
sending.createMachine({ entry: emit({ type: "reply", value: [new Set(["a"])] }) });

// Without a contract, the types of the frames are those that the machine declares.
interface Light {
  readonly is: "on" | "off";
  readonly at?: Date;
}
machineConsumer(machineOf({ events: {} as ConnectionEvents, emitted: {} as Effect<Light | string> }));
machineConsumer(machineOf({ events: {} as ConnectionEvents, emitted: {} as Effect<Uint8Array, Light> }));
machineConsumer(
  // @ts-expect-error JSON cannot hold a Map
  machineOf({ events: {} as ConnectionEvents, emitted: {} as Effect<Light | { map: Map<string, number> }> }),
);
machineConsumer(
  // @ts-expect-error JSON cannot hold an error
  machineOf({ events: {} as ConnectionEvents, emitted: {} as Effect<never, { error: Error }> }),
);

// A machine that declares no types is checked when it runs.
machineConsumer(createMachine({}), { contract: auction });
machineConsumer(createMachine({}) as AnyStateMachine, { contract: auction });
// Without a frame that asks, the machine may still reply to messages.
const silent = contract({ path: "/silent", client: {}, server: {} });
machineConsumer(machineOf({ events: {} as ConnectionEvents, emitted: {} as ContractEffect<typeof silent> }), {
  contract: silent,
});

// ---- input, and effects, without a contract
const lit = setup({
  types: { input: {} as { room: string }, context: {} as { room: string }, emitted: {} as Effect },
}).createMachine({ context: ({ input }) => input });
machineConsumer(lit, { params: ["room"], input: ({ params }) => ({ room: params.room }) });
// @ts-expect-error the input is missing
machineConsumer(lit);
// @ts-expect-error the input is missing
machineConsumer(lit, {});
// @ts-expect-error `seat` is not one of `params`
machineConsumer(lit, { params: ["room"], input: ({ params }) => ({ room: params.seat }) });
// @ts-expect-error the input has another type
machineConsumer(lit, { params: ["room"], input: () => ({ room: 1 }) });
machineConsumer(createMachine({}), {});
machineConsumer(createMachine({}) as AnyStateMachine);
// @ts-expect-error the machine emits an event that is not an effect
machineConsumer(machineOf({ events: {} as ConnectionEvents, emitted: {} as { type: "shout" } }));

// ---- schemas of messages
const bell = z.object({});
machineConsumer(selling, { contract: auction, input: () => ({ lot: 1 }), messages: { bell } });
machineConsumer(selling, {
  contract: auction,
  input: () => ({ lot: 1 }),
  // @ts-expect-error the machine takes no such message
  messages: { ring: bell },
});
const noting = setup({ types: { events: {} as MessageEvents<{ note: { text: string } }> } }).createMachine(
  {},
);
machineConsumer(noting, { messages: { note: z.object({ text: z.string() }) } });
// @ts-expect-error the event has a text
machineConsumer(noting, { messages: { note: z.object({ text: z.number() }) } });
machineConsumer(createMachine({}), { messages: { anything: bell } });
