import { expect } from "chai";
import { createActor, createMachine } from "xstate";
import { clientStates } from "../../client/machine.ts";
import { type ClientEvent, type ClientState, nextState } from "../../client/states.ts";

describe("clientStates", () => {
  it("is the configuration of an XState machine, which makes the same steps as the client", () => {
    const machine = createMachine(clientStates);
    const events: readonly ClientEvent[] = ["hello", "resumed", "lost", "gone", "close", "end"];
    for (const state of Object.keys(clientStates.states) as ClientState[]) {
      for (const type of events) {
        const actor = createActor(machine, { snapshot: machine.resolveState({ value: state, context: {} }) });
        actor.start();
        actor.send({ type });
        expect(nextState(state, type) ?? state, `${type} in ${state}`).to.equal(actor.getSnapshot().value);
        actor.stop();
      }
    }
  });
});
