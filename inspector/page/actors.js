import { createActorRow } from "./actor-row.js";
import { create, find, findPart, setAttribute, write, writeName } from "./dom.js";
import { count } from "./format.js";
import { createKeyed } from "./keyed.js";
import { hashOf } from "./place.js";

/** @import { ConsumerFacts, List, Machines } from "../protocol.ts" */
/** @import { Place } from "./place.js" */
/** @typedef {{ key: string, label: string, name: string, href: string }} Chip */

/** The pause in typing after which a search starts, in milliseconds. */
const searchAfterMs = 150;

/**
 * @param {HTMLElement} section
 * @param {(change: Partial<Place>) => void} filter
 * @param {(pages: number) => void} turn
 */
export function createActors(section, filter, turn) {
  const title = find(section, "h2", HTMLElement);
  const search = find(section, "#search", HTMLInputElement);
  const sort = find(section, "#sort", HTMLSelectElement);
  const listing = find(section, ".listing", HTMLElement);
  const none = findPart(section, "none");
  const range = findPart(section, "range");
  const previous = find(section, "[data-part=previous]", HTMLButtonElement);
  const next = find(section, "[data-part=next]", HTMLButtonElement);
  const chips = createKeyed(findPart(section, "chips"), ({ key }) => key, createChip);
  const rows = createKeyed(findPart(section, "rows"), ({ row }) => row.id, createActorRow);

  /** @type {ReturnType<typeof setTimeout> | undefined} */
  let typing;
  const searchNow = () => {
    clearTimeout(typing);
    typing = undefined;
    filter({ search: search.value.trim(), offset: 0 });
  };
  search.addEventListener("input", () => {
    clearTimeout(typing);
    typing = setTimeout(searchNow, searchAfterMs);
  });
  find(section, "form", HTMLFormElement).addEventListener("submit", (event) => {
    event.preventDefault();
    searchNow();
  });
  sort.addEventListener("change", () =>
    filter({ sort: /** @type {Place["sort"]} */ (sort.value), offset: 0 }),
  );

  previous.addEventListener("click", () => isEnabled(previous) && turn(-1));
  next.addEventListener("click", () => isEnabled(next) && turn(1));

  return {
    /** Focuses the row of an actor, or the title if the actor is not listed. @param {string} id */
    focus(id) {
      const link = rows.elementOf(id)?.querySelector("a");
      (link ?? title).focus({ preventScroll: !link });
    },

    /**
     * @param {object} model
     * @param {ReadonlyMap<string, ConsumerFacts>} model.consumers
     * @param {ReadonlyMap<string, Machines>} model.machines
     * @param {List | undefined} model.list the latest list of the server
     * @param {boolean} model.isAnswer whether the list answers the current request
     * @param {Place} model.place
     */
    draw({ consumers, machines, list, isAnswer, place }) {
      if (typing === undefined && search.value.trim() !== place.search) search.value = place.search;
      if (sort.value !== place.sort) sort.value = place.sort;
      chips.draw(chipsOf(place, consumers, machines));
      listing.ariaBusy = String(!isAnswer);
      if (!list) return;
      rows.draw(
        list.rows.map((row) => ({
          row,
          consumer: consumers.get(row.consumer)?.name ?? row.consumer,
          href: hashOf({ ...place, view: "actors", actor: row.id }),
        })),
      );
      const { matched, request } = list;
      const isFiltered = place.search !== "" || place.consumer !== undefined;
      none.hidden = list.rows.length > 0;
      write(none, matched > 0 ? "No more actors." : isFiltered ? "No actor matches." : "No actors yet.");
      const last = request.offset + list.rows.length;
      write(
        range,
        list.rows.length ? `${count(request.offset + 1)}–${count(last)} of ${count(matched)}` : "",
      );
      setEnabled(previous, request.offset > 0);
      setEnabled(next, last < matched && list.rows.length > 0);
    },
  };
}

/**
 * @param {Place} place
 * @param {ReadonlyMap<string, ConsumerFacts>} consumers
 * @param {ReadonlyMap<string, Machines>} machines
 * @returns {Chip[]}
 */
function chipsOf(place, consumers, machines) {
  const { consumer, state, search } = place;
  const without = (/** @type {Partial<Place>} */ change) =>
    hashOf({ ...place, ...change, view: "actors", offset: 0 });
  /** @type {Chip[]} */
  const chips = [];
  if (consumer !== undefined) {
    const name = consumers.get(consumer)?.name ?? consumer;
    const href = without({ consumer: undefined, state: undefined });
    chips.push({ key: "consumer", label: "consumer", name, href });
  }
  if (consumer !== undefined && state) {
    const machine = machines.get(consumer)?.machines.find(({ kind }) => kind === state.machine);
    const name = machine?.states.find(({ mark }) => mark === state.mark)?.path ?? state.mark;
    const label = state.machine === "own" ? "own state" : "state";
    chips.push({ key: "state", label, name, href: without({ state: undefined }) });
  }
  if (search) chips.push({ key: "search", label: "search", name: search, href: without({ search: "" }) });
  return chips;
}

/** Buttons use `aria-disabled`: `disabled` would remove their focus. @param {HTMLButtonElement} button */
const isEnabled = (button) => button.ariaDisabled !== "true";

/** @param {HTMLButtonElement} button @param {boolean} enabled */
const setEnabled = (button, enabled) => setAttribute(button, "aria-disabled", enabled ? null : "true");

function createChip() {
  const label = create("span", "label");
  const name = create("bdi", "name");
  const link = create("a", "chip", create("span", "unseen", "Remove filter: "), label, " ", name);
  return {
    element: create("li", "", link),
    /** @param {Chip} chip */
    show(chip) {
      write(label, chip.label);
      writeName(name, chip.name);
      setAttribute(link, "href", chip.href);
    },
  };
}
