import { Connection } from "./connection.js";
import { find } from "./dom.js";
import { createMessageList } from "./message-list.js";
import { createStateStrip } from "./state-strip.js";
import { describe } from "./words.js";

/**
 * @typedef {object} PanelOptions
 * @property {() => string} path of the socket, escaped
 * @property {() => string} place what the reader is connected to, in words
 * @property {(text: string) => import("./message-list.js").Kind} kindOf
 * @property {HTMLInputElement} [field] what says the path: fixed while there is a connection
 */

/**
 * Brings a panel of the page to life: a connection, its state, its messages, and a way to send some.
 *
 * @param {HTMLElement} element
 * @param {PanelOptions} options
 */
export function createPanel(element, { path, place, kindOf, field }) {
  const connect = find(element, "[data-part=connect]", HTMLButtonElement);
  const disconnect = find(element, "[data-part=disconnect]", HTMLButtonElement);
  const status = find(element, "[role=status]", HTMLElement);
  const draft = find(element, "[data-part=message]", HTMLInputElement);
  const send = find(element, "[data-part=send]", HTMLButtonElement);
  const strip = createStateStrip(find(element, ".machine", HTMLElement));
  const messages = createMessageList(
    find(element, "[role=log]", HTMLElement),
    find(element, ".jump", HTMLButtonElement),
  );

  /** The connection was there already, and comes back by itself. */
  let joinedBefore = false;
  /** A message could not be sent since the last connection. */
  let unsent = false;
  const connection = new Connection({
    change: show,
    message: (text) => messages.add(text, kindOf(text)),
  });

  find(element, "form.door", HTMLFormElement).addEventListener("submit", (event) => {
    event.preventDefault();
    connection.connect(path());
  });

  disconnect.addEventListener("click", () => connection.disconnect());

  find(element, "form.composer", HTMLFormElement).addEventListener("submit", (event) => {
    event.preventDefault();
    if (draft.value.trim() === "") return draft.focus();
    if (connection.send(draft.value)) {
      draft.value = "";
      messages.goToEnd(); // where the answer appears
    } else {
      unsent = true;
      say(describe(connection.status, place(), { unsent }));
    }
    draft.focus();
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
    if (field) field.readOnly = open;
    strip.show(now);
    if (state === "joined") unsent = false;
    if (state === "closed") joinedBefore = false;
    say(describe(now, place(), { unsent }));
    if (state === "joined") welcome();
  }

  function welcome() {
    if (joinedBefore) messages.add("Connected again. What was said in between is not shown here.", "gap");
    // Who just asked to connect wants to write next. Who is elsewhere is left there.
    else if (document.activeElement === connect || document.activeElement === field) draft.focus();
    joinedBefore = true;
  }

  /** @param {string} text said once: a screen reader hears every change of the status */
  function say(text) {
    if (status.textContent !== text) status.textContent = text;
  }
}

/**
 * Not the `disabled` attribute, which would take the focus away from a button that was just pressed.
 *
 * @param {HTMLButtonElement} button
 * @param {boolean} enabled
 */
function enable(button, enabled) {
  button.setAttribute("aria-disabled", String(!enabled));
}
