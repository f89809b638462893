import { create, find, findPart, setAttribute, write, writeName } from "./dom.js";
import { count } from "./format.js";
import { createKeyed } from "./keyed.js";
import {
  createActorLine,
  createLetterLine,
  createMemberLine,
  createParkedLine,
  createPartitionLine,
  factsOf,
} from "./named-lines.js";
import { hashOf } from "./place.js";

/** @import { NamedContent, NamedKindFacts, NamedReport } from "../protocol.ts" */
/** @import { Place } from "./place.js" */
/** @typedef {{ facts: NamedKindFacts, isShown: boolean, href: string }} KindLine */
/** @typedef {{ name: string, value: string }} Fact */

const counters = /** @type {const} */ ({
  steps: "Steps",
  failed: "Failed",
  dead: "Set aside",
  parked: "Parked",
  rolledBack: "Rolled back",
  lost: "Lost",
  full: "Full mailbox",
});

/** @param {HTMLElement} section @param {(change: Partial<Place>) => void} go */
export function createNamed(section, go) {
  const part = (/** @type {string} */ name) => findPart(section, name);
  const link = (/** @type {string} */ name) => find(section, `[data-part="${name}"]`, HTMLAnchorElement);
  const input = find(section, "#named-key", HTMLInputElement);
  const first = link("first");
  const next = link("next");
  const closed = link("closed");
  const kinds = createKeyed(part("kinds"), ({ facts }) => facts.kind, createKind);
  const totals = createKeyed(part("totals"), ({ name }) => name, createFact);
  const members = createKeyed(part("members"), ({ node }) => node, createMemberLine);
  const parked = createKeyed(part("parked"), ({ facts }) => facts.key, createParkedLine);
  const rows = createKeyed(part("rows"), ({ row }) => row.key, createActorLine);
  const partitions = createKeyed(part("partitions"), ({ facts }) => `${facts.index}`, createPartitionLine);
  const facts = createKeyed(part("facts"), ({ name }) => name, createFact);
  const letters = createKeyed(part("letters"), ({ id }) => id, createLetterLine);

  find(section, "form", HTMLFormElement).addEventListener("submit", (event) => {
    event.preventDefault();
    if (input.value !== "") go({ key: input.value, partition: undefined });
  });

  return {
    /**
     * @param {object} model
     * @param {readonly NamedKindFacts[]} model.kinds
     * @param {string | undefined} model.kind the shown kind
     * @param {NamedReport | undefined} model.report the latest report of the server about this kind
     * @param {Place} model.place
     */
    draw({ kinds: all, kind, report, place }) {
      const shown = all.find((facts) => facts.kind === kind);
      const content = report?.content;
      part("none").hidden = all.length > 0;
      kinds.draw(
        all.map((each) => ({
          facts: each,
          isShown: each.kind === kind,
          href: hashOf({ ...place, kind: each.kind, after: undefined, key: undefined, partition: undefined }),
        })),
      );
      part("shown").hidden = shown === undefined;
      if (shown)
        totals.draw(
          Object.entries(counters).map(([name, title]) => ({
            name: title,
            value: count(shown.counters[/** @type {keyof typeof counters} */ (name)]),
          })),
        );
      const problem = content !== undefined && "error" in content ? content.error : "";
      part("error").hidden = problem === "";
      write(part("error"), problem);
      part("content").hidden = content === undefined || problem !== "";
      if (content && !("error" in content)) drawContent(content, place);
    },
  };

  /** @param {NamedContent} content @param {Place} place */
  function drawContent(content, place) {
    const { open } = content;
    const opens = (/** @type {string | undefined} */ key) => hashOf({ ...place, key, partition: undefined });
    const unowned = content.partitions.filter(({ owner }) => owner === undefined).length;
    members.draw(membersOf(content));
    part("unowned").hidden = unowned === 0;
    write(part("unowned"), `${count(unowned)} partitions have no owner, so their actors wait.`);

    part("parked-part").hidden = content.parked.length === 0;
    write(part("parked-count"), count(content.partitions.reduce((sum, each) => sum + each.parked, 0)));
    parked.draw(content.parked.map((each) => ({ facts: each, href: opens(each.key) })));

    const hasPlace = open !== undefined || place.partition !== undefined;
    part("open").hidden = !hasPlace;
    writeName(part("open-title"), open ? open.key : `Partition ${place.partition}`);
    setAttribute(closed, "href", opens(undefined));
    facts.draw(open ? factsOf(open) : []);
    part("no-letters").hidden = content.deadLetters.length > 0;
    /** @type {Map<string, number>} */
    const alike = new Map();
    const lines = content.deadLetters.toReversed().map((letter) => {
      const text = JSON.stringify(letter);
      const ordinal = (alike.get(text) ?? 0) + 1;
      alike.set(text, ordinal);
      return {
        id: `${ordinal} ${text}`,
        letter,
        href: letter.key === undefined ? undefined : opens(letter.key),
      };
    });
    letters.draw(lines.reverse());

    part("no-actors").hidden = content.actors.length > 0;
    rows.draw(content.actors.map((row) => ({ row, href: opens(row.key), isOpen: row.key === open?.key })));
    first.hidden = place.after === undefined;
    next.hidden = content.next === undefined;
    setAttribute(first, "href", hashOf({ ...place, after: undefined }));
    setAttribute(next, "href", hashOf({ ...place, after: content.next ?? place.after }));
    partitions.draw(
      content.partitions.map((each) => ({
        facts: each,
        href: hashOf({ ...place, key: undefined, partition: each.index }),
      })),
    );
  }
}

/** @param {NamedContent} content */
function membersOf({ members, partitions }) {
  /** @type {Map<string, number>} */
  const owned = new Map();
  for (const { owner } of partitions) if (owner !== undefined) owned.set(owner, (owned.get(owner) ?? 0) + 1);
  // A node that has just left may still own partitions. Two runtimes of one process are shown as one node.
  const known = new Map(members.map((member) => [member.node, member]));
  for (const node of owned.keys()) if (!known.has(node)) known.set(node, { node, isThis: false, version: 0 });
  return Array.from(known.values(), (member) => ({ ...member, owned: owned.get(member.node) ?? 0 }));
}

function createKind() {
  const name = create("span", "name");
  const total = create("span", "number");
  const about = create("span", "routes");
  name.dir = "auto";
  const anchor = create("a", "", name, " ", total, " ", about);
  return {
    element: create("li", "", anchor),
    /** @param {KindLine} line */
    show({ facts: { kind, layer, runs, partitions, counters: counts }, isShown, href }) {
      writeName(name, kind);
      write(total, runs ? `${count(counts.active)} in memory` : "only called");
      const owned = `owns ${count(counts.owned)} of ${count(partitions)} partitions`;
      writeName(about, runs ? `layer ${layer}, ${owned}` : `layer ${layer}`);
      setAttribute(anchor, "href", href);
      setAttribute(anchor, "aria-current", isShown ? "true" : null);
    },
  };
}

/** @param {Fact} fact */
function createFact({ name }) {
  const value = create("dd");
  value.dir = "auto";
  const element = create("div", "", create("dt", "", name), value);
  element.dataset.fact = name;
  return {
    element,
    /** @param {Fact} fact */
    show: (fact) => write(value, fact.value),
  };
}
