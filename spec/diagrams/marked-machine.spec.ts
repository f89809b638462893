import { expect } from "chai";
import { connectionMachine } from "greenroom";
import { toSvg } from "greenroom/visualise";
import {
  type AnyStateMachine,
  type AnyStateNode,
  type AnyTransitionDefinition,
  createActor,
  createMachine,
  SimulatedClock,
  type StateValue,
} from "xstate";
import { connectionLogic } from "../../actors/connection-machine.ts";
import { MarkedMachine } from "../../diagrams/marked-machine.ts";
import { svgOf } from "../../diagrams/svg.ts";
import { hostileNames, machines, nodesOf } from "./machines.ts";

const transitionsOf = ({ transitions, always }: AnyStateNode) =>
  [...[...transitions.values()].flat(), ...(always ?? [])] as AnyTransitionDefinition[];

/** Checks that the mark of a transition fits its source and targets. */
function checkMark(marked: MarkedMachine, transition: AnyTransitionDefinition): void {
  const { eventType, source } = transition;
  const targets = (transition.target ?? []) as readonly AnyStateNode[];
  const to = targets.map(({ id }) => marked.markOfState(id));
  const mark = marked.markOfTransition(transition);
  const arrow = marked.arrows.find((candidate) => candidate.mark === mark);
  if (arrow === undefined) {
    const shownAt = eventType === "xstate.route" ? to[0] : marked.markOfState(source.id);
    expect(mark, eventType).to.equal(shownAt);
    expect(marked.states.map((state) => state.mark)).to.include(mark);
  } else {
    expect([arrow.from, arrow.to], eventType).to.deep.equal([marked.markOfState(source.id), to]);
  }
}

const names = ["may", "isLate", "isNight", "isDay", "isOpen", "isFull", "isAbove", ...hostileNames];
const allowed = Object.fromEntries(names.map((name) => [name, () => true]));

/** The transitions that actors of `machine` report when they get every event in every state. */
function transitionsTaken(machine: AnyStateMachine): AnyTransitionDefinition[] {
  const taken: AnyTransitionDefinition[] = [];
  const nodes = nodesOf(machine.root);
  const types = new Set(nodes.flatMap(({ transitions }) => [...transitions.keys()]));
  const routes = nodes.map(({ id }) => ({ type: "xstate.route", to: `#${id}` }));
  const events = [...[...types].map((type) => ({ type: type.replace("*", "any") })), ...routes];
  const input = { effects: { cleanUp: () => {} } };
  for (const { path, type } of nodes) {
    // XState takes a key that begins with # for an id.
    if (type === "history" || path.some((key) => key.startsWith("#"))) continue;
    const value = path.reduceRight<StateValue>((inner, key) => ({ [key]: inner }), {});
    for (const event of events) {
      const snapshot = machine.resolveState({ value, context: {} });
      const actor = createActor(machine, {
        snapshot,
        input,
        clock: new SimulatedClock(),
        inspect: (inspected) => {
          if (inspected.type === "@xstate.microstep") taken.push(...inspected._transitions);
        },
      });
      // Sending an event to a missing actor fails the machine.
      actor.subscribe({ error: () => {} });
      actor.start().send(event);
    }
  }
  return taken;
}

describe("MarkedMachine", () => {
  for (const [name, machine] of Object.entries(machines)) {
    it(`draws the same picture as toSvg, without its style: ${name}`, async () => {
      const { dot, name } = new MarkedMachine(machine);
      const svg = await svgOf(dot, name);
      const plain = svg.replace(/(?<=class="[^"]*) [sa]\d+(?=")/g, "");
      expect(plain).to.equal((await toSvg(machine)).replace(/\n<style>.*?<\/style>/s, ""));
      expect(svg).to.match(/^<svg class="machine" role="img"[^>]* viewBox="[^"]+"[^>]*>\n<title>/);
      expect(svg).not.to.match(/<style|<!--| id="/);
    });

    it(`has the mark of each transition: ${name}`, () => {
      const marked = new MarkedMachine(machine);
      for (const node of nodesOf(machine.root))
        for (const transition of transitionsOf(node)) checkMark(marked, transition);
    });
  }

  it("has the marks of all kinds of transitions that running actors take", () => {
    const kinds = new Set<string>();
    for (const machine of Object.values(machines)) {
      const able = machine.provide({ guards: allowed });
      const marked = new MarkedMachine(able);
      const taken = transitionsTaken(able);
      expect(taken).not.to.have.lengthOf(0);
      for (const transition of taken) {
        checkMark(marked, transition);
        kinds.add(transition.eventType.replace(/^(xstate\.\w+(\.(state|actor))?).*/, "$1"));
      }
    }
    expect([...kinds]).to.include.members([
      "",
      "*",
      "mouse.*",
      "again",
      "deepBack",
      "xstate.after",
      "xstate.done.actor",
      "xstate.done.state",
      "xstate.error.actor",
      "xstate.route",
      "xstate.snapshot",
    ]);
  });

  it("has the marks of the transitions of a running connection", () => {
    const marked = new MarkedMachine(connectionMachine);
    const shown = marked.arrows.map(({ mark, label }) => [mark, label.split(/[ ,]/, 1)[0]]);
    expect(shown).to.deep.equal([
      ["a1", "accept"],
      ["a2", "reject"],
      ["a3", "close"],
      ["a4", "away"],
      ["a5", "online"],
      ["a6", "cleaned"],
    ]);
    const marks: unknown[] = [];
    const actor = createActor(connectionLogic, {
      input: { effects: { cleanUp: () => {} } },
      inspect: (event) => {
        if (event.type === "@xstate.microstep")
          marks.push(...event._transitions.map((transition) => marked.markOfTransition(transition)));
      },
    }).start();
    actor.send({ type: "accept" });
    actor.send({ type: "restart" });
    actor.send({ type: "lost", code: 1001, reason: "" });
    actor.send({ type: "cleaned" });
    // A restart is a line in the box of its state.
    expect(marks).to.deep.equal(["a1", "s2", "a3", "a6"]);
  });

  it("has the source and targets of arrows, and the path and depth of states", () => {
    const machine = createMachine({
      id: "player",
      initial: "off",
      states: {
        off: { on: { play: ["on.one", { actions: "refuse" }], both: "on.one", skip: "on.one" } },
        on: {
          initial: "one",
          on: { off: "off", first: ".one" },
          states: { one: {}, two: { type: "final" } },
        },
      },
    });
    const { name, states, arrows } = new MarkedMachine(machine);
    expect({ name, states, arrows }).to.deep.equal({
      name: "player",
      states: [
        { mark: "s1", path: "off", depth: 0, type: "atomic" },
        { mark: "s2", path: "on", depth: 0, type: "compound" },
        { mark: "s3", path: "on.one", depth: 1, type: "atomic" },
        { mark: "s4", path: "on.two", depth: 1, type: "final" },
      ],
      arrows: [
        { mark: "a1", from: "s1", to: ["s3"], label: "play, both, skip" },
        { mark: "a2", from: "s2", to: ["s1"], label: "off" },
      ],
    });
    const marked = new MarkedMachine(machine);
    const shownAt = (state: string, event: string) =>
      (machine.states[state] as AnyStateNode).transitions
        .get(event)
        ?.map((transition) => marked.markOfTransition(transition));
    expect(shownAt("off", "play")).to.deep.equal(["a1", "s1"]);
    expect(shownAt("off", "skip")).to.deep.equal(["a1"]);
    expect(shownAt("on", "first")).to.deep.equal(["s2"]);
  });

  it("has no marks for the transitions of another machine and for unknown states", () => {
    const marked = new MarkedMachine(machines.nested as AnyStateMachine);
    const [other] = transitionsOf((machines.regions as AnyStateMachine).root);
    expect(other && marked.markOfTransition(other)).to.equal(undefined);
    expect(marked.markOfState("regions")).to.equal(undefined);
  });

  it("rejects a value that is not a machine", () => {
    expect(() => new MarkedMachine({} as never)).to.throw(
      TypeError,
      "The argument is not an XState 5 machine",
    );
  });
});
