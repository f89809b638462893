import { create, createName } from "./dom.js";
import { bytes, distance, preciseTime } from "./format.js";

/** @import { HistoryEntry } from "../protocol.ts" */

const longest = 500;
/** A list that is scrolled to within this number of pixels from its end counts as scrolled to its end. */
const slack = 24;

/**
 * The last 500 entries of a history, newest last. While the list is scrolled to its end, each new entry
 * scrolls into view. Otherwise, the button `jump` appears when an entry is added.
 *
 * @param {HTMLElement} list @param {HTMLElement} jump
 */
export function createSequence(list, jump) {
  let following = true;
  let followedTo = 0;
  /** @type {number | undefined} */
  let before;

  const follow = () => {
    if (!following) return;
    list.scrollTop = list.scrollHeight;
    followedTo = list.scrollTop;
  };

  /** @param {boolean} now */
  const setFollowing = (now) => {
    following = now;
    // With scroll anchoring, older entries would stay in place, and the newest would not scroll into view.
    list.style.overflowAnchor = now ? "none" : "auto";
    if (now) jump.hidden = true;
  };
  setFollowing(true);

  list.tabIndex = 0; // so that the arrow keys scroll it

  // If entries are added between a scroll and its event, the list is far from its end although the user has
  // not scrolled away. Therefore only scrolling up means that the user has left the end.
  list.addEventListener(
    "scroll",
    () => {
      if (list.scrollHeight - list.scrollTop - list.clientHeight <= slack) setFollowing(true);
      else if (list.scrollTop < followedTo - slack) setFollowing(false);
    },
    { passive: true },
  );
  jump.addEventListener("click", () => {
    list.focus({ preventScroll: true }); // the button, which has the focus, disappears
    setFollowing(true);
    follow();
  });
  // The browser does not keep a list scrolled to its end when the size of the list changes.
  new ResizeObserver(follow).observe(list);

  return {
    /** @param {boolean} shown */
    showPayloads(shown) {
      list.dataset.payloads = String(shown);
      follow();
    },

    clear() {
      list.replaceChildren();
      before = undefined;
      setFollowing(true);
    },

    /** @param {readonly HistoryEntry[]} entries */
    add(entries) {
      if (entries.length === 0) return;
      const skipped = entries.length - longest;
      if (skipped > 0) before = entries[skipped - 1]?.at;
      const lines = entries.slice(Math.max(0, skipped)).map((entry) => {
        const line = createEntry(entry, before);
        before = entry.at;
        return line;
      });
      const tooMany = list.childElementCount + lines.length - longest;
      for (let count = 0; count < tooMany; count++) list.firstElementChild?.remove();
      list.append(...lines);
      if (!following) jump.hidden = false;
      follow();
    },
  };
}

/** Labels that differ from their kind. @type {Readonly<Partial<Record<HistoryEntry["kind"], string>>>} */
const words = { transition: "", failed: "failed in" };

/** @param {HistoryEntry} entry @param {number | undefined} before the time of the previous entry */
function createEntry(entry, before) {
  const way = entry.from === entry.to ? entry.from : `${entry.from}-${entry.to}`;
  const word =
    entry.kind === "transition" && entry.what === "" ? "starts in" : (words[entry.kind] ?? entry.kind);
  const step = create("p", "step");
  step.append(create("span", "unseen", entry.from === entry.to ? "" : `from ${entry.from} to ${entry.to}: `));
  if (entry.machine === "own") step.append(create("span", "kind", "own"), " ");
  if (word) step.append(create("span", "kind", word), " ");
  if (entry.what && entry.what !== word) step.append(createName(entry.what, "what"), " ");
  if (entry.detail) step.append(createName(entry.detail, "detail"), " ");
  if (entry.bytes !== undefined) step.append(create("span", "size", bytes(entry.bytes)));
  // The line may be too short for a text without a tooltip of its own.
  step.title = [word, entry.what, entry.detail].filter(Boolean).join(" ");

  const time = create("time", "", preciseTime(entry.at));
  const since = before === undefined ? "" : distance(entry.at - before);
  const line = create("li", "entry", create("p", "when", time, " ", create("span", "since", since)), step);
  line.dataset.kind = entry.kind;
  line.dataset.way = way;
  if (entry.payload !== undefined) {
    const payload = create("pre", "payload", entry.payload);
    payload.dir = "auto";
    line.append(payload);
  }
  return line;
}
