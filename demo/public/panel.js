import { enable, find } from "./dom.js";
import { onceInView } from "./in-view.js";
import { createMessageList } from "./message-list.js";
import { createStateStrip } from "./state-strip.js";
import { describe, describeUnsent } from "./words.js";

/** @import { AnyClient, Status } from "./greenroom-client.js" */

/** The state of a panel: that of its client, or `idle` before the first connection. */
/** @typedef {Status | { state: "idle" }} PanelStatus */

/**
 * @template {AnyClient} C
 * @typedef {object} PanelOptions
 * @property {() => C} open connects, and listens to the frames of the server
 * @property {() => string} place the name of what the panel connects to, such as "the chat"
 * @property {(text: string, client: C) => Promise<unknown>} say sends a text of the user
 * @property {(state: PanelStatus["state"], before: PanelStatus["state"]) => void} [changed]
 */

/** Whether only the user connects panels: with `?connect=by-hand` in the address. */
const isByHand = new URLSearchParams(window.location.search).get("connect") === "by-hand";

/**
 * Adds the behaviour to a section that {@link fillPanel} filled: its connection, state, messages and form. The panel
 * connects when it comes into view for the first time.
 *
 * @template {AnyClient} C
 * @param {HTMLElement} element
 * @param {PanelOptions<C>} options
 */
export function createPanel(element, { open, place, say, changed }) {
  const door = find(element, "form.door", HTMLFormElement);
  const composer = find(element, "form.composer", HTMLFormElement);
  const connect = find(element, "[data-part=connect]", HTMLButtonElement);
  const disconnect = find(element, "[data-part=disconnect]", HTMLButtonElement);
  const statusText = find(element, "[role=status]", HTMLElement);
  const send = find(element, "[data-part=send]", HTMLButtonElement);
  const strip = createStateStrip(find(element, ".machine", HTMLElement));
  const messages = createMessageList(
    find(element, "[role=log]", HTMLElement),
    find(element, ".jump", HTMLButtonElement),
  );
  /** The fields from which the address is built. They are read-only while connected. */
  const fields = door.querySelectorAll("input:not([data-live])");
  const draft = composer.querySelector("input");

  /** @type {C | undefined} */
  let client;
  /** @type {PanelStatus} */
  let status = { state: "idle" };
  /** Whether the user has left: the server has not ended the connection. */
  let hasLeft = false;
  /** Whether the focus goes to the draft at the next joining, because the user has connected. */
  let mayFocusDraft = false;
  /** The number of messages that the server has not handled yet. */
  let waiting = 0;
  /** The notice about a message that could not be sent, until the user changes or sends it. */
  let unsent = "";

  door.addEventListener("submit", (event) => {
    event.preventDefault();
    if (enter()) mayFocusDraft = true;
  });

  disconnect.addEventListener("click", () => client?.close());

  composer.addEventListener("submit", (event) => {
    event.preventDefault();
    draft?.focus();
    if (draft?.value.trim() === "") return;
    const text = draft?.value ?? "";
    if (client === undefined || !isOpen()) return keep(text);
    if (draft) draft.value = "";
    unsent = "";
    messages.goToEnd(); // the answer appears there
    waiting += 1;
    say(text, client)
      .catch((error) => keep(text, error))
      .finally(() => {
        waiting -= 1;
        announce();
      });
    announce();
  });

  draft?.addEventListener("input", () => {
    unsent = "";
    announce();
  });

  show(status);
  if (!isByHand) connectInView();

  /** Connects once the panel is in view, unless the user has connected it, or ended its connection, before. */
  function connectInView() {
    onceInView(element, () => {
      if (status.state === "idle") enter();
    });
  }

  /** Whether messages are sent, now or after a reconnect. */
  function isOpen() {
    return !["idle", "closing", "closed"].includes(status.state);
  }

  /** Returns false if there is a connection already. */
  function enter() {
    if (status.state !== "idle" && status.state !== "closed") return false;
    hasLeft = false;
    unsent = "";
    begin();
    return true;
  }

  function begin() {
    const opened = open();
    client = opened;
    opened.onStatus((now) => {
      if (client === opened) show(now);
    });
    show(opened.status);
  }

  /** Replaces the connection by a new one, with another address. */
  function renew() {
    void client?.close();
    begin();
  }

  /** @param {PanelStatus} now */
  function show(now) {
    const before = status.state;
    const { state } = now;
    status = now;
    if (state === "closing") hasLeft = true;
    element.dataset.state = state;
    element.dataset.end = state !== "closed" || hasLeft ? "" : "by-server";
    const isIdle = state === "idle" || state === "closed";
    enable(connect, isIdle);
    enable(disconnect, isOpen());
    enable(send, isOpen());
    for (const field of fields) field.toggleAttribute("readonly", !isIdle);
    strip.show(now);
    announce();
    if (state === "joined" && mayFocusDraft) focusDraft();
    changed?.(state, before);
  }

  /** Moves the focus to the draft, but only if the focus is in the form that connects. */
  function focusDraft() {
    mayFocusDraft = false;
    if (document.activeElement && door.contains(document.activeElement)) (draft ?? send).focus();
  }

  /** Keeps a text that was not sent in the field. @param {string} text @param {unknown} [error] */
  function keep(text, error) {
    if (draft && draft.value === "") draft.value = text;
    unsent = describeUnsent(draft !== null, error);
    announce();
  }

  /** Sets the status if it differs: a screen reader reads every change of the status. */
  function announce() {
    const text = describe(status, place(), { hasLeft, waiting, unsent });
    if (statusText.textContent !== text) statusText.textContent = text;
  }

  return { messages, connect: enter, connectInView, renew };
}
