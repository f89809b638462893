import { enable, find } from "./dom.js";
import { createMemberList } from "./member-list.js";
import { shownName } from "./names.js";
import { createPanel } from "./panel.js";
import { createTypingNotices } from "./typing-notices.js";

/**
 * A frame of the server. The contract is `demo/contracts/talk.ts`.
 *
 * @typedef {import("./member-list.js").Member} Member
 * @typedef {Member & { text: string, at: number }} Said
 * @typedef {{ type: "welcome", members: Member[], last: Said[] } & Member
 *   | { type: "said" } & Said
 *   | { type: "came" | "renamed" } & Member
 *   | { type: "went", key: string }
 *   | { type: "typing", key: string, on: boolean }
 *   | { type: "greenroom.reply", id: number }
 *   | { type: "greenroom.error", id?: number, message: string }} Frame
 */

/** @typedef {import("./message-list.js").Line} Line */

/** The number of texts in `welcome`, at most. */
const lastTexts = 50;
/** The number of shown texts that are remembered: as many as the list of messages holds. */
const maxShown = 500;

/** Room Chat: a room whose members have names. @param {HTMLElement} element */
export function createRoom(element) {
  const room = find(element, "#room-name", HTMLInputElement);
  const person = find(element, "#room-person", HTMLInputElement);
  const rename = find(element, "#room-rename", HTMLButtonElement);
  const message = find(element, "#room-message", HTMLInputElement);
  const address = find(element, ".address", HTMLElement);
  const members = createMemberList(find(element, ".present", HTMLElement));
  const wrongName = createRefusal(find(element, "#room-wrong-name", HTMLElement), person);
  const wrongText = createRefusal(find(element, "#room-wrong-message", HTMLElement), message);

  let key = "";
  /** Whether the page reconnects by itself, so that the list has the texts before. */
  let isBack = false;
  let lastId = 0;
  let sent = "";
  /** The texts that were shown, because each `welcome` repeats the last ones. @type {Set<string>} */
  const shown = new Set();

  const panel = createPanel(element, {
    path,
    place: () => `room ${room.value}`,
    read: (text) => receive(JSON.parse(text)),
    say(text, send) {
      if (!send(JSON.stringify({ type: "say", text }))) return false;
      sent = text;
      typing.end();
      wrongText.show("");
      return true;
    },
    changed(state) {
      enable(rename, state === "joined");
      if (state === "closed") leave();
      else members.markStale();
    },
    missesNothing: true,
  });
  const typing = createTypingNotices(message, (on) => panel.send(JSON.stringify({ type: "typing", on })));

  rename.addEventListener("click", takeName);
  person.addEventListener("keydown", (event) => {
    if (event.key !== "Enter" || event.isComposing || rename.ariaDisabled === "true") return;
    event.preventDefault(); // Enter connects otherwise.
    takeName();
  });

  const showAddress = () => {
    address.textContent = path();
  };
  room.addEventListener("input", showAddress);
  showAddress(); // the browser may have kept the text of the field across a reload

  function path() {
    return `/ws/talk/${escapePart(room.value)}`;
  }

  function takeName() {
    const name = person.value.trim();
    if (name === "") return person.focus();
    lastId += 1;
    panel.send(JSON.stringify({ type: "rename", id: lastId, name }));
  }

  /**
   * @param {Frame} frame
   * @returns {Line | undefined}
   */
  function receive(frame) {
    switch (frame.type) {
      case "welcome":
        return welcome(frame);
      case "said":
        return lineOf(frame);
      case "came":
        members.add(frame);
        return notice(`🚪 ${members.nameOf(frame.key)} came in.`);
      case "renamed":
        return renamed(frame);
      case "went": {
        const name = members.nameOf(frame.key);
        members.remove(frame.key);
        return notice(`👋 ${name} left.`);
      }
      case "typing":
        members.setTyping(frame.key, frame.on);
        return undefined;
      case "greenroom.reply":
        wrongName.show("");
        return undefined;
      case "greenroom.error":
        refused(frame);
        return undefined;
    }
  }

  /** @param {Member & { members: Member[], last: Said[] }} frame */
  function welcome({ key: own, name, members: all, last }) {
    key = own;
    typing.reset();
    members.replace(all);
    person.placeholder = shownName(name);
    const lines = last.flatMap((said) => lineOf(said) ?? []);
    if (isBack && lines.length === lastTexts)
      panel.messages.add({ text: "Connected again. Earlier messages may be missing here.", kind: "gap" });
    for (const line of lines) panel.messages.add(line);
    isBack = true;
    if (person.value.trim() !== "") takeName();
    return notice(`🚪 You came in as ${shownName(name)}.`);
  }

  /** @param {Member} member */
  function renamed(member) {
    const before = members.nameOf(member.key);
    members.add(member);
    const name = members.nameOf(member.key);
    return notice(member.key === key ? `✏️ You are now ${name}.` : `✏️ ${before} is now ${name}.`);
  }

  /** @param {{ id?: number, message: string }} error */
  function refused({ id, message: why }) {
    if (id !== undefined) return wrongName.show(why);
    wrongText.show(why);
    if (message.value === "") message.value = sent; // The user can correct it.
  }

  /**
   * The line of a text, unless it is shown already.
   *
   * @param {Said} said
   * @returns {Line | undefined}
   */
  function lineOf({ key, name, text, at }) {
    const id = JSON.stringify([key, at, text]);
    if (shown.has(id)) return undefined;
    shown.add(id);
    const [oldest = id] = shown;
    if (shown.size > maxShown) shown.delete(oldest);
    return { text, kind: "message", from: shownName(name), at };
  }

  function leave() {
    isBack = false;
    members.forget();
    person.placeholder = "Guest";
    wrongName.show("");
    wrongText.show("");
  }
}

/** @param {string} text @returns {Line} */
const notice = (text) => ({ text, kind: "notice" });

/**
 * Shows next to `input` why the server has refused its text, until the text changes.
 *
 * @param {HTMLElement} element
 * @param {HTMLInputElement} input
 */
function createRefusal(element, input) {
  /** @param {string} why empty for no refusal */
  const show = (why) => {
    element.textContent = why;
    input.ariaInvalid = why === "" ? null : "true";
  };
  input.setAttribute("aria-describedby", element.id);
  input.addEventListener("input", () => show(""));
  return { show };
}

/** Escapes `text`. Lone surrogates become the replacement character. @param {string} text */
function escapePart(text) {
  return encodeURIComponent(text.replace(/\p{Surrogate}/gu, "\uFFFD"));
}
