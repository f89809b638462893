import { find } from "./dom.js";
import { createTextPanel } from "./text-panel.js";

/** @typedef {import("./message-list.js").Line} Line */

/** Showcase: one connection for each kind of layer. @param {HTMLElement} element */
export function createShowcase(element) {
  const panels = [
    createChat(find(element, "#chat", HTMLElement)),
    createReliableChat(find(element, "#reliable", HTMLElement)),
    createNotifications(find(element, "#notifications", HTMLElement)),
    createAnalytics(find(element, "#analytics", HTMLElement)),
  ];
  find(element, "#connect-all", HTMLButtonElement).addEventListener("click", () => {
    for (const panel of panels) panel.connect();
  });
}

/** @param {HTMLElement} element */
function createChat(element) {
  return createTextPanel(element, {
    url: () => "/ws/chat",
    place: () => "the chat",
    read: (text) => ({ text, kind: text.startsWith("💬") ? "message" : "notice" }),
  });
}

const missing = /^⚠️ Messages are missing here\. On from (\d+)\.$/;
const reliableKey = "greenroom.reliable";

/**
 * Counts the received texts to know the offset of the last one. A new page, and a new session, requests only later
 * texts.
 *
 * @param {HTMLElement} element
 */
function createReliableChat(element) {
  const kept = keptChat();
  let last = kept.last;
  const panel = createTextPanel(element, {
    url: () => `/ws/reliable?since=${last}`,
    place: () => "the reliable chat",
    read(text) {
      const on = missing.exec(text)?.[1];
      last = on === undefined ? last + 1 : Number(on);
      if (on !== undefined) return { text, kind: "gap" };
      return { text, kind: text.startsWith("📨") ? "message" : "notice" };
    },
    missed({ missed = 0 }) {
      last += missed;
      return { text: `Messages are missing here: ${missed}.`, kind: "gap" };
    },
    renews: true,
  });
  for (const line of kept.lines) panel.messages.add(line);
  // The offset and the lines are stored together, so that they are consistent.
  window.addEventListener("pagehide", () => {
    try {
      sessionStorage.setItem(reliableKey, JSON.stringify({ last, lines: panel.messages.lines() }));
    } catch {
      // Storage is full or forbidden: the next page starts with the whole history.
    }
  });
  return panel;
}

/** @returns {{ last: number, lines: Line[] }} the offset and the lines of this tab before the reload */
function keptChat() {
  try {
    const { last, lines } = JSON.parse(sessionStorage.getItem(reliableKey) ?? "");
    if (Number.isSafeInteger(last) && Array.isArray(lines)) return { last, lines };
  } catch {
    // Nothing is stored.
  }
  return { last: 0, lines: [] };
}

/** @param {HTMLElement} element */
function createNotifications(element) {
  return createTextPanel(element, {
    url: () => "/ws/notifications",
    place: () => "the notifications",
    read(text) {
      const { type, message } = JSON.parse(text);
      return { text: String(message), kind: type === "user" ? "message" : "notice" };
    },
    write: (message) => JSON.stringify({ message }),
  });
}

/** @param {HTMLElement} element */
function createAnalytics(element) {
  let pressed = 0;
  return createTextPanel(element, {
    url: () => "/ws/analytics",
    place: () => "the analytics",
    read: (text) => ({ text, kind: "message" }),
    write() {
      pressed += 1;
      return `button_pressed ${pressed}`;
    },
  });
}
