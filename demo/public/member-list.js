import { find } from "./dom.js";

/**
 * A frame of the server. The first frame has all members of a room. Each later frame has a member that joined
 * or left.
 *
 * @typedef {{ type: "presence", members: { key: string }[] } | { type: "joined" | "left", key: string }} News
 */

/** Shows the members of a room. @param {HTMLElement} element */
export function createMemberList(element) {
  const count = find(element, "[data-count]", HTMLElement);
  const list = find(element, "ul", HTMLUListElement);
  list.tabIndex = 0; // so that the arrow keys scroll it
  /** @type {Map<string, HTMLLIElement>} */
  const members = new Map();

  /** @param {string} name */
  const add = (name) => {
    if (members.has(name)) return;
    const member = document.createElement("li");
    member.dir = "auto";
    member.title = name;
    member.textContent = name;
    members.set(name, member);
    list.append(member);
  };

  const clear = () => {
    for (const member of members.values()) member.remove();
    members.clear();
  };

  return {
    /** @param {News} news */
    receive(news) {
      delete element.dataset.doubtful;
      if (news.type === "presence") {
        clear();
        for (const { key } of news.members) add(key);
      } else if (news.type === "joined") {
        add(news.key);
      } else {
        members.get(news.key)?.remove();
        members.delete(news.key);
      }
      count.textContent = String(members.size);
    },

    /** Marks the list as outdated until the next frame. */
    markStale() {
      element.dataset.doubtful = "";
    },

    forget() {
      clear();
      count.textContent = "";
    },
  };
}
