import { assign, enqueueActions, raise, setup } from "xstate";
import type { NamedEffect, NamedMessageEvents } from "../../actors/named-actor.ts";

/** The number of increments of a counter between two messages to its mirror. */
export const mirrorEvery = 10;

type CounterMessages = {
  /** The increment `n` of the sender `from`. A sender numbers its increments of one key from 1. */
  add: { readonly from: string; readonly n: number };
};

/** Increments that a counter has not received: those of one sender, from a first to a last number. */
export type Gap = readonly [from: string, first: number, last: number];

export interface CounterContext {
  readonly key: string;
  readonly taken: number;
  /** The last number of each sender. */
  readonly last: Readonly<Record<string, number>>;
  readonly gaps: readonly Gap[];
  /** The increments that arrived twice or out of order. */
  readonly wrong: readonly string[];
}

/** Counts increments, and compares the numbers of each sender. Tells each tenth count to its mirror. */
export const counterMachine = setup({
  types: {
    context: {} as CounterContext,
    events: {} as NamedMessageEvents<CounterMessages>,
    emitted: {} as NamedEffect,
    input: {} as { readonly key: string },
  },
}).createMachine({
  id: "counter",
  context: ({ input }) => ({ key: input.key, taken: 0, last: {}, gaps: [], wrong: [] }),
  on: {
    "message.add": {
      actions: [
        assign(({ context, event }) => {
          const { from, n } = event.message;
          const last = context.last[from] ?? 0;
          const gap: Gap = [from, last + 1, n - 1];
          return {
            taken: context.taken + 1,
            last: { ...context.last, [from]: Math.max(n, last) },
            gaps: n > last + 1 ? [...context.gaps, gap] : context.gaps,
            wrong: n > last ? context.wrong : [...context.wrong, `${from}: ${n} after ${last}`].slice(0, 20),
          };
        }),
        enqueueActions(({ context: { key, taken }, enqueue }) => {
          const message = { type: "count", count: taken };
          if (taken % mirrorEvery === 0) enqueue.emit({ type: "tell", kind: "mirror", key, message });
        }),
      ],
    },
  },
});

export interface MirrorContext {
  readonly count: number;
  /** The counts that did not follow the count before them. */
  readonly wrong: readonly string[];
}

/** Receives each tenth count of a counter, in order. */
export const mirrorMachine = setup({
  types: {
    context: {} as MirrorContext,
    events: {} as NamedMessageEvents<{ count: { readonly count: number } }>,
  },
}).createMachine({
  id: "mirror",
  context: { count: 0, wrong: [] },
  on: {
    "message.count": {
      actions: assign(({ context, event }) => {
        const { count } = event.message;
        const isNext = count === context.count + mirrorEvery;
        return {
          count,
          wrong: isNext ? context.wrong : [...context.wrong, `${count} after ${context.count}`].slice(0, 20),
        };
      }),
    },
  },
});

export interface AlarmContext {
  /** The time at which the delay ends, in milliseconds of the wall clock, which is the clock of a local store. */
  readonly due: number;
  /** How late each ring was, in milliseconds. */
  readonly late: readonly number[];
}

/** Rings after a delay. Rings that repeat themselves would stay visible. */
export const alarmMachine = setup({
  types: {
    context: {} as AlarmContext,
    events: {} as NamedMessageEvents<{ set: { readonly ms: number } }> | { readonly type: "ring" },
  },
}).createMachine({
  id: "alarm",
  context: { due: 0, late: [] },
  on: {
    "message.set": {
      actions: [
        assign({ due: ({ event }) => Date.now() + event.message.ms }),
        raise({ type: "ring" }, { delay: ({ event }) => event.message.ms }),
      ],
    },
    ring: { actions: assign({ late: ({ context }) => [...context.late, Date.now() - context.due] }) },
  },
});
