import { Connection } from "./connection.js";
import { find } from "./dom.js";
import { createMemberList } from "./member-list.js";
import { createPanel } from "./panel.js";

/**
 * Room Chat: a connection for the chat. While it is joined, a second connection updates the member list.
 *
 * @param {HTMLElement} element
 */
export function createRoom(element) {
  const room = find(element, "#room-name", HTMLInputElement);
  const person = find(element, "#room-person", HTMLInputElement);
  const address = find(element, ".address", HTMLElement);
  const members = createMemberList(find(element, ".present", HTMLElement));

  const roomPath = () => `/ws/room/${escapePart(room.value)}`;

  /** @type {Connection | undefined} */
  let presence;
  createPanel(element, {
    path: () => {
      const name = person.value.trim();
      return name === "" ? roomPath() : `${roomPath()}?name=${escapePart(name)}`;
    },
    place: () => `room ${room.value}`,
    read: (text) => ({ text, kind: text.startsWith("💬") ? "message" : "notice" }),
    changed(state) {
      presence?.disconnect();
      presence = undefined;
      if (state === "joined") watch();
      else if (state === "closed") members.forget();
      else members.markStale();
    },
  });

  const showAddress = () => {
    address.textContent = roomPath();
  };
  room.addEventListener("input", showAddress);
  showAddress(); // the browser may have kept the text of the field across a reload

  function watch() {
    const path = `/ws/presence/${escapePart(room.value)}`;
    presence = new Connection({
      change: ({ state }) => state !== "joined" && members.markStale(),
      message: (text) => members.receive(JSON.parse(text)),
    });
    presence.connect(() => path);
  }
}

/** Escapes `text`. Lone surrogates become the replacement character. @param {string} text */
function escapePart(text) {
  return encodeURIComponent(text.replace(/\p{Surrogate}/gu, "\uFFFD"));
}
