import {
  type ConnectionEvents,
  type Effect,
  type FrameEvents,
  type MessageEvents,
  machineConsumer,
} from "greenroom";
import { assign, emit, setup } from "xstate";

const turnstile = setup({
  types: {
    context: {} as { coins: number },
    events: {} as
      | FrameEvents<{ coin: { readonly value: number }; push: object }>
      | MessageEvents<{ closing_time: object; opening_time: object }>
      | ConnectionEvents,
    emitted: {} as Effect,
  },
  actions: {
    join: emit({ type: "join", group: "turnstiles" }),
    tell: emit((_, params: { readonly is: string }) => ({ type: "send", frame: params })),
    count: assign({ coins: ({ context }) => context.coins + 1 }),
  },
  guards: { isEnough: ({ event }) => event.type === "frame.coin" && event.frame.value >= 2 },
  delays: { patience: 10_000 },
}).createMachine({
  id: "turnstile",
  context: { coins: 0 },
  initial: "inService",
  entry: "join",
  states: {
    inService: {
      initial: "locked",
      on: { "message.closing_time": "closed" },
      states: {
        locked: {
          entry: { type: "tell", params: { is: "locked" } },
          on: { "frame.coin": { target: "open", guard: "isEnough", actions: "count" } },
        },
        open: {
          entry: { type: "tell", params: { is: "open" } },
          after: { patience: "locked" },
          on: { "frame.push": "locked" },
        },
        before: { type: "history" },
      },
    },
    closed: { on: { "message.opening_time": "inService.before" } },
  },
});

export const Turnstile = machineConsumer(turnstile, { layer: "chat" });
