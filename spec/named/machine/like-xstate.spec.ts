import { expect } from "chai";
import fc from "fast-check";
import {
  type AnyActorRef,
  type AnyStateMachine,
  createActor,
  type InspectionEvent,
  isMachineSnapshot,
} from "xstate";
import { machines, told } from "./support/machines.ts";
import { Stepped } from "./support/stepped.ts";

/** A clock whose timers end in the order of their ends, and of their starts. */
class OrderedClock {
  now = 0;
  #timers: { readonly end: number; readonly fn: () => void }[] = [];

  setTimeout(fn: () => void, ms: number): object {
    const timer = { end: this.now + ms, fn };
    this.#timers.push(timer);
    return timer;
  }

  clearTimeout(timer: object): void {
    this.#timers = this.#timers.filter((other) => other !== timer);
  }

  advance(ms: number): void {
    this.now += ms;
    for (;;) {
      const [next] = [...this.#timers].sort((one, other) => one.end - other.end);
      if (next === undefined || next.end > this.now) return;
      this.clearTimeout(next);
      next.fn();
    }
  }
}

/** The parts of a state that users see, with those of all children. */
function visible(snapshot: unknown): unknown {
  const { status, output, context } = snapshot as Record<string, unknown>;
  if (!isMachineSnapshot(snapshot)) return { status, output, context };
  const children = Object.entries<AnyActorRef>(snapshot.children)
    .filter(([, child]) => child.getSnapshot().status === "active")
    .map(([id, child]) => [id, visible(child.getSnapshot())]);
  // XState keeps the children of a machine that is done.
  const kept = status === "active" ? Object.fromEntries(children) : {};
  return { status, output, context, value: snapshot.value, tags: [...snapshot.tags], children: kept };
}

/** Starts a machine as XState does. */
function startReal(machine: AnyStateMachine) {
  const clock = new OrderedClock();
  const emitted: unknown[] = [];
  const inspect = (event: InspectionEvent): void => {
    if (event.type === "@xstate.actor")
      (event.actorRef as AnyActorRef).on("*", (emittedEvent) => void emitted.push(emittedEvent));
  };
  const actor = createActor(machine, { clock, inspect }).start();
  return { actor, clock, emitted };
}

const command = fc.oneof(
  { weight: 8, arbitrary: fc.constantFrom(..."abcdefgh") },
  { weight: 4, arbitrary: fc.integer({ min: 1, max: 4 }) },
  { weight: 1, arbitrary: fc.constantFrom("restore", "boom") },
);

describe("A machine that runs in steps", () => {
  for (const [name, machine] of Object.entries(machines)) {
    it(`is always in the state of an actor of XState: ${name}`, () => {
      let steps = 0;
      const property = fc.property(fc.array(command, { maxLength: 40 }), (commands) => {
        told.length = 0;
        const real = startReal(machine);
        const expected = told.splice(0);
        const stepped = new Stepped(machine);
        for (const next of [...commands, 9]) {
          steps += 1;
          const actual = told.splice(0);
          expect(visible(stepped.run.snapshot)).to.deep.equal(visible(real.actor.getSnapshot()));
          expect(stepped.emitted.splice(0)).to.deep.equal(real.emitted.splice(0));
          expect(actual).to.deep.equal(expected);
          const isDone = real.actor.getSnapshot().status === "done";
          if (isDone) return;
          if (typeof next === "number") {
            real.clock.advance(next * 10);
            expected.splice(0, Infinity, ...told.splice(0));
            stepped.advance(next * 10);
          } else if (next === "restore") {
            expected.length = 0;
            stepped.restore();
          } else if (next === "boom") {
            expected.length = 0;
            const before = JSON.stringify(stepped.run.saved());
            expect(() => stepped.step("boom")).to.throw("boom");
            expect(JSON.stringify(stepped.run.saved())).to.equal(before);
            expect(stepped.run.step({ type: "unknown" })).to.deep.include({ taken: false, changed: false });
          } else {
            real.actor.send({ type: next });
            expected.splice(0, Infinity, ...told.splice(0));
            stepped.step(next);
          }
        }
      });
      fc.assert(property, { numRuns: 200 });
      // The sequences differ from run to run: their number of steps is about 1,500.
      expect(steps).to.be.greaterThan(400);
    });
  }
});
