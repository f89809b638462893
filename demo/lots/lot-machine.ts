import type { NamedEffect, NamedMessageEvents } from "greenroom";
import { assign, emit, not, type SnapshotFrom, setup, stateIn } from "xstate";
import type { LotView } from "../contracts/lot.ts";

export interface LotMessages {
  open: { seconds: number; reserve: number };
  bid: { by: string; amount: number };
}

type Lot = Omit<LotView, "state"> & {
  /** The time from the last opening or extension to the close, in milliseconds. */
  readonly closesInMs: number;
};

/** The last part of an auction. A bid in this part extends the auction to this time. */
const goingMs = 5_000;

const noAuction: Lot = { amount: null, by: null, reserve: null, closesAt: null, bids: 0, closesInMs: 0 };

/** The amount that a bid has to beat. */
const toBeat = ({ amount, reserve }: Lot): number => Math.max(amount ?? 0, reserve ?? 0);

const closingIn = (ms: number) => ({ closesAt: Date.now() + ms, closesInMs: ms });

/**
 * The auction of one lot. The delays are relative, so that the clocks of the processes may differ: `closesAt` only tells
 * clients the time.
 */
export const lotMachine = setup({
  types: {
    context: {} as Lot,
    events: {} as NamedMessageEvents<LotMessages>,
    emitted: {} as NamedEffect,
  },
  delays: {
    going: ({ context }) => context.closesInMs - goingMs,
    close: ({ context }) => context.closesInMs,
  },
  guards: {
    leads: ({ context, event }) => event.type === "message.bid" && event.message.amount > toBeat(context),
  },
  actions: {
    start: assign(({ event }) => {
      if (event.type !== "message.open") return {};
      const { seconds, reserve } = event.message;
      return { ...noAuction, reserve, ...closingIn(seconds * 1_000) };
    }),
    lead: assign(({ context, event }) => {
      if (event.type !== "message.bid") return {};
      const { by, amount } = event.message;
      return { by, amount, bids: context.bids + 1 };
    }),
    extend: assign(() => closingIn(goingMs)),
    confirm: emit({ type: "reply", value: { leading: true } }),
    tellClose: emit(({ context }) => ({ type: "reply", value: { closesAt: context.closesAt } })),
    refuse: emit(({ context }) => {
      const beat = toBeat(context);
      return { type: "refuse", code: "rejected", message: `Bid more than ${beat}.`, data: { beat } };
    }),
    refuseClosed: emit({
      type: "refuse",
      code: "rejected",
      message: "The bidding is not open.",
      data: { beat: null },
    }),
  },
}).createMachine({
  id: "lot",
  context: noAuction,
  initial: "idle",
  states: {
    idle: {
      on: {
        "message.open": { target: "bidding", actions: ["start", "tellClose"] },
        "message.bid": { actions: "refuseClosed" },
      },
    },
    bidding: {
      initial: "open",
      after: { close: "sold" },
      on: {
        "message.open": { actions: "tellClose" },
        "message.bid": [
          { guard: not("leads"), actions: "refuse" },
          // Enters `bidding` again, so that its delay starts again.
          {
            guard: stateIn({ bidding: "going" }),
            target: ".going",
            reenter: true,
            actions: ["lead", "extend", "confirm"],
          },
          { actions: ["lead", "confirm"] },
        ],
      },
      states: { open: { after: { going: "going" } }, going: {} },
    },
    sold: {
      on: {
        "message.open": { target: "bidding", actions: ["start", "tellClose"] },
        "message.bid": { actions: "refuseClosed" },
      },
    },
  },
});

/** The state of a lot that does not exist yet. */
export const idleLot: LotView = viewOf("idle", noAuction);

/** The part of a lot's state that its watchers see. */
export function viewLot({ value, context }: SnapshotFrom<typeof lotMachine>): LotView {
  return viewOf(typeof value === "string" ? value : value.bidding, context);
}

function viewOf(state: LotView["state"], { closesInMs: _, ...view }: Lot): LotView {
  return { state, ...view };
}
