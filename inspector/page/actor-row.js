import { create, createName, setAttribute, write, writeName } from "./dom.js";
import { age as ageOf, bytes, count } from "./format.js";
import { followOnClick } from "./row-link.js";

/** @import { ActorRow } from "../protocol.ts" */
/** @typedef {{ readonly row: ActorRow, readonly consumer: string, readonly href: string }} ActorLine */

/** A row shows at most this number of groups, and at most this number of tags. */
const shownNames = 2;

export function createActorRow() {
  const link = create("a", "channel");
  const consumer = create("span", "name");
  const path = create("span", "path");
  const state = create("span", "state");
  const ownState = create("span", "own");
  const groups = createNames("group");
  const tags = createNames("tag");
  const mailbox = create("span");
  const busy = create("span", "busy");
  const waiting = create("span");
  const age = create("span");
  const error = create("span", "error");
  for (const part of [link, consumer, path, state, ownState, error]) part.dir = "auto";
  link.draggable = false;

  const element = create(
    "tr",
    "",
    cell("Channel", "wide", link, create("span", "under", consumer, " ", path)),
    cell("State", "", state, " ", ownState),
    cell("Groups", "", groups.element, tags.element),
    cell("Mailbox", "number", mailbox, " ", busy),
    cell("Waiting", "number", waiting),
    cell("Age", "number", age),
    cell("Last error", "", error),
  );
  followOnClick(element, link);

  return {
    element,
    /** @param {ActorLine} line */
    show({ row, consumer: name, href }) {
      writeName(link, row.channel ?? `no channel, ${row.id}`);
      setAttribute(link, "href", href);
      writeName(consumer, name);
      writeName(path, row.path);
      writeName(state, row.state);
      state.dataset.state = row.state;
      writeName(ownState, row.own ?? "");
      groups.show(row.groups, row.groupCount);
      tags.show(row.tags, row.tags.length);
      write(mailbox, count(row.mailbox));
      mailbox.classList.toggle("none", row.mailbox === 0);
      write(busy, row.busy ? "busy" : "");
      write(waiting, row.waitingBytes === 0 ? "0" : bytes(row.waitingBytes));
      waiting.classList.toggle("none", row.waitingBytes === 0);
      write(age, ageOf(row.ageMs));
      writeName(error, row.lastError ? `${row.lastError.stage}: ${row.lastError.message}` : "");
    },
  };
}

/** @param {string} label for narrow tables @param {string} className @param {...(Node | string)} children */
function cell(label, className, ...children) {
  const element = create("td", className, ...children);
  element.dataset.label = label;
  return element;
}

/** @param {string} kind */
function createNames(kind) {
  const element = create("span", "names");
  let before = "";
  return {
    element,
    /** @param {readonly string[]} names @param {number} total */
    show(names, total) {
      const now = JSON.stringify([names, total]);
      if (now === before) return;
      before = now;
      const parts = names.slice(0, shownNames).map((name) => createName(name, kind));
      element.replaceChildren(...parts.flatMap((part) => [part, " "]));
      const rest = total - parts.length;
      if (rest > 0) {
        const more = create("span", "more", `+${count(rest)}`);
        more.title = names.slice(shownNames).join("\n");
        element.append(more);
      }
    },
  };
}
