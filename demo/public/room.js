import { enable, find } from "./dom.js";
import { connect, FrameRefused } from "./greenroom-client.js";
import { createMemberList } from "./member-list.js";
import { shownName } from "./names.js";
import { createPanel } from "./panel.js";
import { createPlug } from "./plug.js";
import { createRefusal } from "./refusal.js";
import { talk } from "./talk-contract.js";
import { createTypingNotices } from "./typing-notices.js";

/** @import { Client } from "./greenroom-client.js" */
/** @import { Member } from "./member-list.js" */
/** @import { Line } from "./message-list.js" */
/** @typedef {Client<typeof talk>} Room */
/** @typedef {Member & { text: string, at: number }} Said */

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

  /** @type {Room | undefined} */
  let client;
  let key = "";
  /** Whether the page reconnects by itself, so that the list has the texts before. */
  let isBack = false;
  let sent = "";
  /** The texts that were shown, because each `welcome` repeats the last ones. @type {Set<string>} */
  const shown = new Set();
  /** The number of texts of others so far, and of lost frames. */
  let heard = 0;
  let lost = 0;
  let heardBefore = 0;
  let lostBefore = 0;

  const plug = createPlug(find(element, "#room-plug", HTMLButtonElement));
  const panel = createPanel(element, {
    open,
    place: () => `room ${room.value}`,
    say(text, client) {
      sent = text;
      typing.end();
      wrongText.show("");
      return client.send("say", { text });
    },
    changed,
  });
  const typing = createTypingNotices(message, (on) => {
    if (client?.status.state !== "joined") return false;
    client.send("typing", { on }).catch(() => {});
    return true;
  });

  rename.addEventListener("click", takeName);
  person.addEventListener("keydown", (event) => {
    if (event.key !== "Enter" || event.isComposing || rename.ariaDisabled === "true") return;
    event.preventDefault(); // Enter connects otherwise.
    void takeName();
  });

  const showAddress = () => {
    address.textContent = path();
  };
  room.addEventListener("input", showAddress);
  showAddress(); // the browser may have kept the text of the field across a reload

  function path() {
    return `/ws/talk/${encodeURIComponent(roomName())}`;
  }

  /** Lone surrogates, which no address can contain, become the replacement character. */
  function roomName() {
    return room.value.replace(/\p{Surrogate}/gu, "\uFFFD");
  }

  /** Connects, and resumes the session after each loss of the connection. */
  function open() {
    const opened = connect(talk, { params: { room: roomName() }, WebSocket: plug.WebSocket });
    opened.on("welcome", welcome);
    opened.on("said", (said) => {
      if (said.key !== key) heard += 1;
      const line = lineOf(said);
      if (line) panel.messages.add(line);
    });
    opened.on("came", (member) => {
      members.add(member);
      notice(`🚪 ${members.nameOf(member.key)} came in.`);
    });
    opened.on("renamed", renamed);
    opened.on("went", (member) => {
      const name = members.nameOf(member.key);
      members.remove(member.key);
      notice(`👋 ${name} left.`);
    });
    opened.on("typing", ({ key, on }) => members.setTyping(key, on));
    opened.onGap(({ fresh, missed = 1 }) => {
      if (fresh) notice("🔌 The server has ended the session. You come in again.");
      else lost += missed;
    });
    opened.onError((error) => {
      if (!(error instanceof FrameRefused)) return reportError(error);
      wrongText.show(error.message);
      if (message.value === "") message.value = sent; // The user can correct it.
    });
    client = opened;
    return opened;
  }

  /** @param {import("./panel.js").PanelStatus["state"]} state @param {string} before */
  function changed(state, before) {
    enable(rename, state === "joined");
    plug.enable(state === "joined");
    if (state === "closed") leave();
    else if (state !== "joined") members.markStale();
    if (state === "away" && before === "joined") {
      heardBefore = heard;
      lostBefore = lost;
    }
    if (state === "joined" && before === "away") void tellCaughtUp();
  }

  /** Tells what the session has brought since the connection was lost. */
  async function tellCaughtUp() {
    typing.reset();
    try {
      // The frames that the server has kept come before the acknowledgement of a new frame.
      await client?.send("typing", { on: false });
    } catch {
      return;
    }
    members.markFresh();
    const texts = heard - heardBefore;
    const frames = lost - lostBefore;
    notice(
      `🔌 Back in the same session. Caught up: ${texts} ${texts === 1 ? "message" : "messages"}, ` +
        `${frames === 0 ? "nothing" : frames} lost.`,
    );
  }

  async function takeName() {
    const name = person.value.trim();
    if (name === "") return person.focus();
    try {
      await client?.ask("rename", { name });
      wrongName.show("");
    } catch (error) {
      // After the loss of the session, the page takes the name again.
      if (error instanceof FrameRefused) wrongName.show(error.message);
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
    if (person.value.trim() !== "") void takeName();
    notice(`🚪 You came in as ${shownName(name)}.`);
  }

  /** @param {Member} member */
  function renamed(member) {
    const before = members.nameOf(member.key);
    members.add(member);
    const name = members.nameOf(member.key);
    notice(member.key === key ? `✏️ You are now ${name}.` : `✏️ ${before} is now ${name}.`);
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

  /** @param {string} text */
  function notice(text) {
    panel.messages.add({ text, kind: "notice" });
  }

  function leave() {
    plug.putIn();
    isBack = false;
    members.forget();
    person.placeholder = "Guest";
    wrongName.show("");
    wrongText.show("");
  }
}
