import {
  type Effect,
  handlers,
  type MessageEvents,
  machineConsumer,
  type Scope,
  WebSocketConsumer,
} from "greenroom";
import { assign, emit, setup } from "xstate";

interface Steps {
  step: { readonly by: number };
}

const membersOfAGroup = 20;
/** One in this many actors has a tag. */
const tagged = 5;

/** The number of groups, chosen so that each has about 20 members. Each actor is in two groups. */
export const groupsOf = (actors: number): number => Math.max(1, Math.round((actors * 2) / membersOfAGroup));

interface Place {
  /** Unique to the actor. */
  readonly number: number;
  /** The total number of groups. */
  readonly groups: number;
}

/** The two groups of an actor. */
function halls({ number, groups }: Place): readonly [string, string] {
  return [hall(number % groups), hall((number * 7 + 1) % groups)];
}

export const hall = (number: number): string => `hall-${number}`;

const placeOf = ({ params }: Scope<keyof Place>): Place => ({
  number: Number(params.number),
  groups: Number(params.groups),
});

class Visitor extends WebSocketConsumer<{ messages: Steps; params: keyof Place }> {
  static override readonly layer = "crowd";
  static override readonly on = handlers<Visitor>({
    step({ by }) {
      this.#steps += by;
    },
  });
  #steps = 0;

  override async connect() {
    const place = placeOf(this.scope);
    for (const group of halls(place)) await this.groupAdd(group);
    if (place.number % tagged === 0) this.tag(`guest.${place.number}`);
  }
}

class Waiter extends Visitor {}

const dancing = setup({
  types: {
    context: {} as { readonly place: Place; readonly steps: number },
    events: {} as MessageEvents<Steps>,
    input: {} as Place,
    emitted: {} as Effect,
  },
  actions: { count: assign({ steps: ({ context, event }) => context.steps + event.message.by }) },
}).createMachine({
  id: "dancing",
  context: ({ input }) => ({ place: input, steps: 0 }),
  entry: [emit(({ context }) => joining(context.place, 0)), emit(({ context }) => joining(context.place, 1))],
  initial: "resting",
  states: {
    resting: { on: { "message.step": { target: "dancing", actions: "count" } } },
    dancing: {
      initial: "waltz",
      states: {
        waltz: { on: { "message.step": "tango" } },
        tango: {
          initial: "left",
          states: {
            left: { on: { "message.step": { target: "right", actions: "count" } } },
            right: { on: { "message.step": "#dancing.resting" } },
          },
        },
      },
    },
  },
});

const joining = (place: Place, which: 0 | 1): Effect => ({ type: "join", group: halls(place)[which] });

const Dancer = machineConsumer(dancing, { layer: "crowd", input: placeOf });

/** The consumers. Consecutive actors use consecutive consumers. */
export const consumers = [Visitor, Waiter, Dancer] as const;
