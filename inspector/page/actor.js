import { create, createName, find, findPart, setAttribute, write, writeName } from "./dom.js";
import { bytes, count, duration, moment, rate, timeOfDay } from "./format.js";
import { createKeyed } from "./keyed.js";
import { hashOf } from "./place.js";
import { createSequence } from "./sequence.js";

/** @import { ActorRow, ConsumerFacts, History } from "../protocol.ts" */
/** @import { Place } from "./place.js" */
/** @typedef {{ readonly name: string, readonly values: readonly string[] }} Fact */

/** @param {HTMLElement} section @param {(shown: boolean) => void} showPayloads */
export function createActor(section, showPayloads) {
  const title = find(section, "h2", HTMLElement);
  const back = find(section, "[data-part=back]", HTMLAnchorElement);
  const ended = findPart(section, "ended");
  const since = findPart(section, "since");
  const sampled = findPart(section, "sampled");
  const payloads = findPart(section, "payloads");
  const noPayloads = findPart(section, "no-payloads");
  const checkbox = find(payloads, "input", HTMLInputElement);
  const facts = createKeyed(findPart(section, "facts"), ({ name }) => name, createFact);
  const sequence = createSequence(findPart(section, "sequence"), findPart(section, "jump"));
  /** @type {ActorRow | undefined} */
  let row;
  /** @type {string | undefined} */
  let opened;

  checkbox.addEventListener("change", () => {
    sequence.showPayloads(checkbox.checked);
    showPayloads(checkbox.checked);
  });

  return {
    focus: () => title.focus(),

    /** Clears the view, unless this actor is already open. @param {string | undefined} id */
    open(id) {
      if (id === opened) return;
      opened = id;
      row = undefined;
      checkbox.checked = false;
      sequence.showPayloads(false);
      ended.hidden = sampled.hidden = true;
      write(since, "");
      facts.draw([]);
      sequence.clear();
    },

    /**
     * @param {object} model
     * @param {readonly History[]} model.histories reports that are not drawn yet
     * @param {ReadonlyMap<string, ConsumerFacts>} model.consumers
     * @param {boolean} model.hasPayloads
     * @param {Place} model.place
     */
    draw({ histories, consumers, hasPayloads, place }) {
      setAttribute(back, "href", hashOf({ ...place, actor: undefined }));
      payloads.hidden = !hasPayloads;
      noPayloads.hidden = hasPayloads;
      for (const history of histories) {
        if (history.actor !== opened) continue;
        if (history.isFirst) sequence.clear();
        sequence.add(history.entries);
        row = history.row ?? row;
        ended.hidden = history.row !== undefined;
        write(since, `recorded since ${timeOfDay(history.since)}`);
        const { eventsPerSecond, recordedPerSecond } = history;
        sampled.hidden = eventsPerSecond - recordedPerSecond < 0.5;
        write(sampled, `Recorded ${rate(recordedPerSecond)} of ${rate(eventsPerSecond)} events per second.`);
      }
      writeName(title, row?.channel ?? opened ?? "");
      if (row) facts.draw(factsOf(row, consumers.get(row.consumer)));
    },
  };
}

/** @param {ActorRow} row @param {ConsumerFacts | undefined} consumer @returns {Fact[]} */
function factsOf(row, consumer) {
  const { lastError, groupCount, groups } = row;
  const unlisted = groupCount - groups.length;
  const error = lastError ? [`${moment(lastError.at)} ${lastError.stage}: ${lastError.message}`] : [];
  return [
    { name: "State", values: [row.state] },
    { name: "Own state", values: row.own === undefined ? [] : [row.own] },
    { name: "Consumer", values: [consumer?.name ?? row.consumer] },
    { name: "Path", values: row.path === "" ? [] : [row.path] },
    { name: "Layer", values: consumer?.layer === undefined ? [] : [consumer.layer] },
    { name: "Mailbox", values: [row.busy ? `${count(row.mailbox)}, busy` : count(row.mailbox)] },
    { name: "Waiting", values: [bytes(row.waitingBytes)] },
    { name: "Age", values: [duration(row.ageMs)] },
    { name: "Id", values: [row.id] },
    { name: "Groups", values: unlisted > 0 ? [...groups, `and ${count(unlisted)} more`] : groups },
    { name: "Tags", values: row.tags },
    { name: "Last error", values: error },
  ].filter(({ values }) => values.length > 0);
}

/** @param {Fact} fact */
function createFact({ name }) {
  const value = create("dd");
  let before = "";
  const element = create("div", "", create("dt", "", name), value);
  element.dataset.fact = name;
  return {
    element,
    /** @param {Fact} fact */
    show({ values }) {
      const now = JSON.stringify(values);
      if (now === before) return;
      before = now;
      const [only = ""] = values;
      const present = value.firstElementChild;
      // Reuses the element of a single value, so that the user's text selection is kept.
      if (values.length === 1 && value.childElementCount === 1 && present instanceof HTMLElement)
        writeName(present, only);
      else value.replaceChildren(...values.map((text) => createName(text)));
    },
  };
}
