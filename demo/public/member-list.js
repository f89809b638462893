import { find } from "./dom.js";
import { shownName } from "./names.js";

/** @typedef {{ key: string, name: string }} Member */

/** The server ends the typing of a member after 5 s. The page does so if that notice was lost. */
const typingEndsMs = 7_000;

/** Shows the members of a room, and which of them type. @param {HTMLElement} element */
export function createMemberList(element) {
  const count = find(element, "[data-count]", HTMLElement);
  const list = find(element, "ul", HTMLUListElement);
  const typists = find(element, ".typing", HTMLElement);
  list.tabIndex = 0; // so that the arrow keys scroll it
  /** @type {Map<string, { name: string, item: HTMLLIElement }>} */
  const members = new Map();
  /** The timers of the members that type, by key. @type {Map<string, number>} */
  const typing = new Map();

  const showCount = () => {
    count.textContent = String(members.size);
  };

  const showTypists = () => {
    const names = [...typing.keys()].map(nameOf);
    const [one, two] = names;
    if (names.length === 0) typists.textContent = "";
    else if (names.length === 1) typists.textContent = `${one} is typing…`;
    else if (names.length === 2) typists.textContent = `${one} and ${two} are typing…`;
    else typists.textContent = `${names.length} members are typing…`;
    typists.title = typists.textContent;
  };

  /** @param {string} key */
  const nameOf = (key) => members.get(key)?.name ?? "A former member";

  /** @param {string} key @param {boolean} on */
  const setTyping = (key, on) => {
    clearTimeout(typing.get(key));
    typing.delete(key);
    if (on && members.has(key)) typing.set(key, window.setTimeout(setTyping, typingEndsMs, key, false));
    showTypists();
  };

  /** Adds a member, or renames it. @param {Member} member */
  const add = ({ key, name: given }) => {
    const name = shownName(given);
    const item = members.get(key)?.item ?? document.createElement("li");
    item.dir = "auto";
    item.title = name;
    item.textContent = name;
    members.set(key, { name, item });
    if (!item.isConnected) list.append(item);
    showCount();
    showTypists();
  };

  /** @param {string} key */
  const remove = (key) => {
    setTyping(key, false);
    members.get(key)?.item.remove();
    members.delete(key);
    showCount();
  };

  const clear = () => {
    for (const key of [...members.keys()]) remove(key);
  };

  return {
    add,
    remove,
    nameOf,
    setTyping,

    /** @param {readonly Member[]} all */
    replace(all) {
      clear();
      for (const member of all) add(member);
      delete element.dataset.doubtful;
    },

    /** The list has caught up with the changes. */
    markFresh() {
      delete element.dataset.doubtful;
    },

    /** Marks the list as outdated until {@link replace} or {@link markFresh}. */
    markStale() {
      for (const key of [...typing.keys()]) setTyping(key, false);
      element.dataset.doubtful = "";
    },

    forget() {
      clear();
      count.textContent = "";
      element.dataset.doubtful = "";
    },
  };
}
