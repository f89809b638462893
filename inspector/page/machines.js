import { create, findPart, setAttribute, write, writeName } from "./dom.js";
import { count } from "./format.js";
import { createKeyed } from "./keyed.js";
import { createPicture } from "./picture.js";
import { hashOf, placeOf } from "./place.js";
import { createStateTable } from "./state-table.js";

/** @import { ConsumerFacts, MachineFacts, MachineKind, Machines } from "../protocol.ts" */
/** @import { Tick, TransitionCount } from "../protocol.ts" */
/** @import { Place } from "./place.js" */
/** @typedef {{ readonly kind: MachineKind, readonly mark: string }} Chosen */

/** @param {HTMLElement} section @param {(consumer: string, state: Chosen) => void} choose */
export function createMachines(section, choose) {
  const none = findPart(section, "none");
  const area = findPart(section, "machines");
  const consumers = createKeyed(findPart(section, "consumers"), ({ facts }) => facts.id, createConsumer);
  /** @type {{ of: Machines, machines: ReturnType<typeof createMachine>[] } | undefined} */
  let shown;
  let pulsedAt = 0;

  /** @param {Machines | undefined} machines */
  const build = (machines) => {
    if (shown?.of === machines) return;
    shown = machines && {
      of: machines,
      // The consumer's own machine comes before its connection machine.
      machines: machines.machines
        .toReversed()
        .map((machine) =>
          createMachine(machine, (mark) => choose(machines.consumer, { kind: machine.kind, mark })),
        ),
    };
    area.replaceChildren(...(shown?.machines ?? []).map(({ element }) => element));
  };

  return {
    /**
     * @param {object} model
     * @param {ReadonlyMap<string, ConsumerFacts>} model.consumers
     * @param {string | undefined} model.shown
     * @param {Machines | undefined} model.machines of the shown consumer, once the server has sent them
     * @param {Tick | undefined} model.tick
     * @param {readonly TransitionCount[]} model.transitions
     * @param {Place} model.place
     */
    draw({ consumers: all, shown: id, machines, tick, transitions, place }) {
      none.hidden = all.size > 0;
      consumers.draw(
        [...all.values()].map((facts) => ({
          facts,
          total: tick?.stateCounts[facts.id]?.total ?? 0,
          isShown: facts.id === id,
          href: hashOf(placeOf(place, facts.id)),
        })),
      );
      build(machines);
      if (!shown || !tick) return;
      const { consumer } = shown.of;
      const stateCounts = tick.stateCounts[consumer];
      for (const machine of shown.machines) {
        const counts = stateCounts?.[machine.kind] ?? {};
        const isChosen = place.consumer === consumer && place.state?.machine === machine.kind;
        const chosen = isChosen ? place.state?.mark : undefined;
        machine.show((mark) => counts[mark] ?? 0, stateCounts?.total ?? 0, chosen);
        if (tick.at !== pulsedAt) machine.pulse(sum(transitions, consumer, machine.kind));
      }
      pulsedAt = tick.at;
    },
  };
}

/** @typedef {{ facts: ConsumerFacts, total: number, isShown: boolean, href: string }} ConsumerLine */

function createConsumer() {
  const name = create("span", "name");
  const routes = create("span", "routes");
  const total = create("span", "number");
  name.dir = routes.dir = "auto";
  const link = create("a", "", name, " ", total, " ", routes);
  return {
    element: create("li", "", link),
    /** @param {ConsumerLine} line */
    show({ facts, total: present, isShown, href }) {
      writeName(name, facts.name);
      writeName(routes, facts.routes.join("  ") || "not routed");
      write(total, count(present));
      total.classList.toggle("none", present === 0);
      setAttribute(link, "href", href);
      setAttribute(link, "aria-current", isShown ? "true" : null);
    },
  };
}

const kinds = { connection: "of each connection", own: "the consumer's own, while joined" };

/** @param {MachineFacts} facts @param {(mark: string) => void} choose */
function createMachine(facts, choose) {
  const table = createStateTable(facts, choose);
  const picture = createPicture(facts, choose);
  const title = create("h3", "", create("bdi", "", facts.name), " ", create("small", "", kinds[facts.kind]));
  const element = create("article", "chart", title);
  if (typeof picture === "string") {
    element.append(create("p", "notice", picture), table.element);
  } else {
    const frame = create("div", "frame");
    frame.tabIndex = 0; // so that the arrow keys scroll it
    frame.role = "group";
    frame.ariaLabel = `Picture of ${facts.name}`;
    frame.append(picture.svg);
    element.append(create("div", "pair", frame, table.element));
  }
  return {
    element,
    kind: facts.kind,

    /** @param {(mark: string) => number} countOf @param {number} total @param {string | undefined} chosen */
    show(countOf, total, chosen) {
      table.show(countOf, total, chosen);
      if (typeof picture !== "string") picture.show(countOf, total, chosen);
    },

    /** @param {ReadonlyMap<string, number>} transitions */
    pulse(transitions) {
      table.pulse(transitions);
      if (typeof picture !== "string") for (const [mark, added] of transitions) picture.pulse(mark, added);
    },
  };
}

/** @param {readonly TransitionCount[]} transitions @param {string} consumer @param {MachineKind} machine */
function sum(transitions, consumer, machine) {
  /** @type {Map<string, number>} */
  const sums = new Map();
  for (const taken of transitions)
    if (taken.consumer === consumer && taken.machine === machine)
      sums.set(taken.mark, (sums.get(taken.mark) ?? 0) + taken.count);
  return sums;
}
