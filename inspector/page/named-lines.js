import { create, setAttribute, write, writeName } from "./dom.js";
import { bytes, count, duration, moment } from "./format.js";
import { followOnClick } from "./row-link.js";

/** @import { NamedActorDetails, NamedActorRow, NamedDeadLetterRow } from "../protocol.ts" */
/** @import { MemberFacts, ParkedFacts, PartitionFacts } from "../../named/kind-reader.ts" */

/** The time until a timer. @param {number | undefined} ms */
const timer = (ms) => (ms === undefined ? "" : ms <= 0 ? "due" : `in ${duration(ms)}`);

/** @param {string} label for narrow tables @param {string} className @param {...(Node | string)} children */
function cell(label, className, ...children) {
  const element = create("td", className, ...children);
  element.dataset.label = label;
  return element;
}

/** A cell with a number, which is grey if it is 0. @param {string} label */
function numberCell(label) {
  const value = create("span");
  return {
    element: cell(label, "number", value),
    /** @param {number} number */
    show(number) {
      write(value, count(number));
      value.classList.toggle("none", number === 0);
    },
  };
}

export function createMemberLine() {
  const node = create("bdi", "name");
  const about = create("span", "quiet");
  return {
    element: create("li", "", node, " ", about),
    /** @param {MemberFacts & { readonly owned: number }} line */
    show({ node: name, isThis, version, owned }) {
      writeName(node, name);
      const parts = [`${count(owned)} partitions`, version === 0 ? "no member" : `version ${version}`];
      write(about, [...parts, ...(isThis ? ["this node"] : [])].join(", "));
    },
  };
}

export function createParkedLine() {
  const link = create("a", "channel");
  const time = create("time");
  const reason = create("p", "message");
  link.dir = reason.dir = "auto";
  return {
    element: create("li", "failure", create("p", "failure-head", time, " ", link), reason),
    /** @param {{ readonly facts: ParkedFacts, readonly href: string }} line */
    show({ facts, href }) {
      writeName(link, facts.key);
      setAttribute(link, "href", href);
      write(time, moment(facts.at));
      write(reason, facts.reason);
      reason.title = facts.reason;
    },
  };
}

export function createActorLine() {
  const link = create("a", "channel");
  const state = create("span", "state");
  const error = create("span", "trouble");
  const next = create("span");
  const size = create("span");
  const mailbox = numberCell("Mailbox");
  for (const part of [link, state, error]) part.dir = "auto";
  const element = create(
    "tr",
    "",
    cell("Key", "wide", link),
    cell("State", "", state, " ", error),
    mailbox.element,
    cell("Next timer", "number", next),
    cell("Size", "number", size),
  );
  followOnClick(element, link);
  return {
    element,
    /** @param {{ readonly row: NamedActorRow, readonly href: string, readonly isOpen: boolean }} line */
    show({ row, href, isOpen }) {
      writeName(link, row.key);
      setAttribute(link, "href", href);
      setAttribute(link, "aria-current", isOpen ? "true" : null);
      writeName(state, row.hasEnded ? `${row.state}, ended` : row.state);
      state.dataset.state = row.parked ? "connecting" : row.hasEnded ? "ended" : "joined.online";
      writeName(error, row.unreadable ?? (row.parked ? `parked: ${row.parked.reason}` : ""));
      mailbox.show(row.mailbox);
      write(next, timer(row.dueInMs));
      write(size, bytes(row.bytes));
    },
  };
}

export function createPartitionLine() {
  const link = create("a");
  const owner = create("bdi", "name");
  const next = create("span");
  const numbers = {
    actors: numberCell("Actors"),
    waiting: numberCell("Waiting"),
    parked: numberCell("Parked"),
    deadLetters: numberCell("Dead letters"),
    outbox: numberCell("Outbox"),
  };
  const parts = Object.values(numbers).map(({ element }) => element);
  const element = create(
    "tr",
    "",
    cell("Partition", "", link),
    cell("Owner", "", owner),
    ...parts,
    cell("Next timer", "number", next),
  );
  followOnClick(element, link);
  return {
    element,
    /** @param {{ readonly facts: PartitionFacts, readonly href: string }} line */
    show({ facts, href }) {
      write(link, `${facts.index}`);
      setAttribute(link, "href", href);
      writeName(owner, facts.owner ?? "no owner");
      owner.classList.toggle("error", facts.owner === undefined);
      for (const [name, number] of Object.entries(numbers))
        number.show(facts[/** @type {keyof typeof numbers} */ (name)]);
      write(next, timer(facts.dueInMs));
    },
  };
}

/** @typedef {{ readonly id: string, readonly letter: NamedDeadLetterRow, readonly href: string | undefined }} LetterLine */

/** @param {LetterLine} line */
export function createLetterLine({ letter }) {
  const time = create("time", "", moment(letter.at));
  const what = create("b", "stage");
  const message = create("p", "message", letter.reason);
  what.dir = message.dir = "auto";
  message.title = letter.reason;
  writeName(what, letter.what);
  const head = create("p", "failure-head", time, " ", what);
  const link = letter.key === undefined ? undefined : create("a", "channel");
  if (link) {
    link.dir = "auto";
    writeName(link, letter.key ?? "");
    head.append(" ", link);
  }
  const element = create("li", "failure", head, message);
  if (letter.payload !== undefined) {
    const payload = create("pre", "payload", letter.payload);
    payload.dir = "auto";
    element.append(payload);
  }
  return {
    element,
    /** @param {LetterLine} line */
    show({ href }) {
      if (link && href !== undefined) setAttribute(link, "href", href);
    },
  };
}

/** The facts of the open actor. @param {NamedActorRow & NamedActorDetails} actor */
export function factsOf(actor) {
  const { parked, version, delays } = actor;
  const exists = version !== undefined;
  const state = exists ? actor.state : "This actor does not exist.";
  return [
    { name: "State", value: actor.hasEnded ? `${state}, ended` : state },
    { name: "Parked", value: parked ? `${moment(parked.at)} ${parked.reason}` : "" },
    { name: "Snapshot", value: actor.unreadable ?? "" },
    { name: "Mailbox", value: count(actor.mailbox) },
    { name: actor.hasEnded ? "Removed" : "Next timer", value: timer(actor.dueInMs) },
    { name: "Delays", value: delays.map(({ event, inMs }) => `${event} ${timer(inMs)}`).join("\n") },
    { name: "Partition", value: count(actor.partition) },
    { name: "Size", value: exists ? bytes(actor.bytes) : "" },
    { name: "Version", value: version ?? "" },
    { name: "Machine", value: actor.machineVersion === undefined ? "" : `version ${actor.machineVersion}` },
    { name: "View", value: actor.view ?? "" },
    { name: "Context", value: actor.context ?? "" },
  ].filter(({ value }) => value !== "");
}
