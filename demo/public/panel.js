import { Connection } from "./connection.js";
import { enable, find } from "./dom.js";
import { createMessageList } from "./message-list.js";
import { createStateStrip } from "./state-strip.js";
import { describe } from "./words.js";

/** @typedef {import("./message-list.js").Line} Line */

/**
 * @typedef {object} PanelOptions
 * @property {() => string} path of the socket, escaped
 * @property {() => string} place the name of what the panel connects to, such as "the chat"
 * @property {(text: string) => Line | undefined} read returns the line for a text of the server, if any
 * @property {(text: string, send: (text: string) => boolean) => boolean} [say] sends a text of the user and
 *   returns whether it was sent
 * @property {(state: import("./connection.js").State) => void} [changed]
 * @property {boolean} [missesNothing] whether the server sends the missed messages after a reconnect
 */

/** @typedef {ReturnType<typeof createPanel>} Panel */

/**
 * Adds the behaviour to a section that {@link fillPanel} filled: its connection, state, messages and form.
 *
 * @param {HTMLElement} element
 * @param {PanelOptions} options
 */
export function createPanel(
  element,
  { path, place, read, say = (text, send) => send(text), changed, missesNothing },
) {
  const door = find(element, "form.door", HTMLFormElement);
  const composer = find(element, "form.composer", HTMLFormElement);
  const connect = find(element, "[data-part=connect]", HTMLButtonElement);
  const disconnect = find(element, "[data-part=disconnect]", HTMLButtonElement);
  const status = find(element, "[role=status]", HTMLElement);
  const send = find(element, "[data-part=send]", HTMLButtonElement);
  const strip = createStateStrip(find(element, ".machine", HTMLElement));
  const messages = createMessageList(
    find(element, "[role=log]", HTMLElement),
    find(element, ".jump", HTMLButtonElement),
  );
  /** The fields from which the address is built. They are read-only while connected. */
  const fields = door.querySelectorAll("input:not([data-live])");
  const draft = composer.querySelector("input");

  let joinedBefore = false;
  /** The notice about a message that could not be sent; empty after the next connection. */
  let unsent = "";
  const connection = new Connection({
    change: show,
    message(text) {
      const line = read(text);
      if (line) messages.add(line);
    },
  });

  door.addEventListener("submit", (event) => {
    event.preventDefault();
    connection.connect(path);
  });

  disconnect.addEventListener("click", () => connection.disconnect());

  composer.addEventListener("submit", (event) => {
    event.preventDefault();
    if (draft?.value.trim() === "") return draft.focus();
    if (say(draft?.value ?? "", (text) => connection.send(text))) {
      if (draft) draft.value = "";
      messages.goToEnd(); // the answer appears there
    } else {
      unsent = draft ? "Your message was not sent; it stays in the field." : "Nothing was sent.";
      announce(describe(connection.status, place(), unsent));
    }
    draft?.focus();
  });

  show(connection.status);

  /** @param {import("./connection.js").Status} now */
  function show(now) {
    const { state, cause } = now;
    const open = state !== "idle" && state !== "closed";
    element.dataset.state = state;
    element.dataset.cause = cause?.kind ?? "";
    enable(connect, !open);
    enable(disconnect, open && state !== "closing");
    enable(send, state === "joined");
    for (const field of fields) field.toggleAttribute("readonly", open);
    strip.show(now);
    if (state === "joined") unsent = "";
    if (state === "closed") joinedBefore = false;
    announce(describe(now, place(), unsent));
    if (state === "joined") welcome();
    changed?.(state);
  }

  function welcome() {
    const asked = document.activeElement;
    if (joinedBefore) {
      if (!missesNothing)
        messages.add({ text: "Connected again. Messages sent in between are not shown here.", kind: "gap" });
    } else if (asked && door.contains(asked)) {
      // Moves the focus to the draft, but only if the focus is in the form that connects.
      (draft ?? send).focus();
    }
    joinedBefore = true;
  }

  /** Sets the status if it differs: a screen reader reads every change of the status. @param {string} text */
  function announce(text) {
    if (status.textContent !== text) status.textContent = text;
  }

  return {
    messages,
    connect: () => connection.connect(path),
    /** @param {string} text */
    send: (text) => connection.send(text),
  };
}
