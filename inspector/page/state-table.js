import { create, setAttribute, write } from "./dom.js";
import { count } from "./format.js";
import { pulse } from "./picture.js";

/** @import { MachineFacts } from "../protocol.ts" */
/** @import { MarkedState } from "../../diagrams/marked-machine.ts" */

/** @param {MachineFacts} machine @param {(mark: string) => void} choose */
export function createStateTable(machine, choose) {
  const keys = keysOf(machine.states);
  const rows = new Map(
    machine.states.map((state) => [
      state.mark,
      createStateRow(state, keys.get(state.mark) ?? state.path, choose),
    ]),
  );
  const element = create(
    "table",
    "states",
    create("caption", "unseen", `States of ${machine.name}`),
    create("thead", "", create("tr", "", ...["State", "Actors", "Entered"].map(columnHeading))),
    create("tbody", "", ...Array.from(rows.values(), (row) => row.element)),
  );
  const targets = new Map(machine.arrows.map(({ mark, to }) => [mark, to]));

  return {
    element,

    /** @param {(mark: string) => number} countOf @param {number} total @param {string | undefined} chosen */
    show(countOf, total, chosen) {
      for (const [mark, row] of rows) row.show(countOf(mark), total, mark === chosen);
    },

    /** @param {ReadonlyMap<string, number>} transitions by the mark of an arrow or a state */
    pulse(transitions) {
      /** @type {Map<string, number>} */
      const entered = new Map();
      for (const [mark, added] of transitions)
        for (const state of targets.get(mark) ?? [mark])
          entered.set(state, (entered.get(state) ?? 0) + added);
      for (const [mark, added] of entered) rows.get(mark)?.pulse(added);
    },
  };
}

/**
 * The name of each state: its path without the path of the parent. The path cannot be split at its dots,
 * because names may contain dots.
 *
 * @param {readonly MarkedState[]} states parents before children
 * @returns {ReadonlyMap<string, string>} by mark
 */
function keysOf(states) {
  /** @type {MarkedState[]} */
  const ancestors = [];
  return new Map(
    states.map((state) => {
      ancestors.length = state.depth;
      ancestors.push(state);
      const parent = ancestors[state.depth - 1];
      const isWithin = parent !== undefined && state.path.startsWith(`${parent.path}.`);
      return [state.mark, isWithin ? state.path.slice(parent.path.length + 1) : state.path];
    }),
  );
}

/** @param {string} text */
function columnHeading(text) {
  const cell = create("th", "", text);
  cell.scope = "col";
  return cell;
}

/** @param {MarkedState} state @param {string} key @param {(mark: string) => void} choose */
function createStateRow(state, key, choose) {
  const button = create("button", "state");
  button.type = "button";
  button.dir = "auto";
  write(button, key);
  button.title = state.path;
  button.style.setProperty("--depth", String(state.depth));
  button.addEventListener("click", () => choose(state.mark));
  const number = create("span", "number");
  const share = create("span", "share");
  const came = create("td", "came");
  const heading = create("div", "what", button);
  // The type of a compound state is not shown: its indented children make the type clear.
  if (state.type !== "atomic" && state.type !== "compound")
    heading.append(" ", create("small", "", state.type));
  return {
    element: create("tr", "", create("td", "", heading), create("td", "count", share, number), came),
    /** @param {number} present @param {number} total @param {boolean} isChosen */
    show(present, total, isChosen) {
      write(number, count(present));
      number.classList.toggle("none", present === 0);
      const part = String(total > 0 ? present / total : 0);
      if (share.style.getPropertyValue("--part") !== part) share.style.setProperty("--part", part);
      setAttribute(button, "aria-pressed", String(isChosen));
    },

    /** @param {number} added */
    pulse(added) {
      write(came, `+${count(added)}`);
      pulse(came);
    },
  };
}
