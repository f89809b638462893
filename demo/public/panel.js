import { Connection } from "./connection.js";
import { find } from "./dom.js";
import { createMessageList } from "./message-list.js";
import { createStateStrip } from "./state-strip.js";
import { describe } from "./words.js";

/** @typedef {import("./message-list.js").Line} Line */

/**
 * @typedef {object} PanelOptions
 * @property {() => string} path of the socket, escaped
 * @property {() => string} place what the reader is connected to, in words
 * @property {(text: string) => Line | undefined} read what the server's text says, if it is a line to show
 * @property {(text: string, send: (text: string) => boolean) => boolean} [say] sends what the reader wrote, and tells whether it went out
 * @property {(state: import("./connection.js").State) => void} [changed]
 * @property {boolean} [missesNothing] the server sends what was said while the connection was gone
 */

/** @typedef {ReturnType<typeof createPanel>} Panel */

/**
 * Brings a filled section of the page to life: a connection, its state, its messages, and a way to send some.
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
  /** What says where to go: fixed while there is a connection. */
  const fields = door.querySelectorAll("input");
  /** Where the reader writes, if the panel is one to write in. */
  const draft = composer.querySelector("input");

  /** The connection was there already, and comes back by itself. */
  let joinedBefore = false;
  /** What is said of a message that could not be sent since the last connection. */
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
      messages.goToEnd(); // where the answer appears
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
    for (const field of fields) field.readOnly = open;
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
        messages.add({ text: "Connected again. What was said in between is not shown here.", kind: "gap" });
    } else if (asked && door.contains(asked)) {
      // Who just asked to connect wants to write next. Who is elsewhere is left there.
      (draft ?? send).focus();
    }
    joinedBefore = true;
  }

  /** @param {string} text said once: a screen reader hears every change of the status */
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

/**
 * Not the `disabled` attribute, which would take the focus away from a button that was just pressed.
 *
 * @param {HTMLButtonElement} button
 * @param {boolean} enabled
 */
function enable(button, enabled) {
  button.setAttribute("aria-disabled", String(!enabled));
}
