/** @typedef {"message" | "notice" | "gap" | "refusal"} Kind of a member, server or page; or a refusal */

/**
 * @typedef {object} Line
 * @property {string} text shown as text, never as markup
 * @property {Kind} kind
 * @property {string} [time] of day; now if absent
 */

const clock = new Intl.DateTimeFormat("en", { hour: "2-digit", minute: "2-digit", hourCycle: "h23" });

const longest = 500;
/** The distance from the end, in pixels, that still counts as the end. */
const slack = 24;

/**
 * Shows lines in `log`, the newest last, and keeps the last 500. Scrolls to new lines only while the reader
 * is at the end; otherwise the button `jump` is shown.
 *
 * @param {HTMLElement} log
 * @param {HTMLElement} jump
 */
export function createMessageList(log, jump) {
  let following = true;
  let followedTo = 0;
  let scheduled = false;

  const follow = () => {
    scheduled = false;
    if (!following) return;
    log.scrollTop = log.scrollHeight;
    followedTo = log.scrollTop;
  };

  /** Scrolls at most once per animation frame. */
  const followSoon = () => {
    if (scheduled) return;
    scheduled = true;
    requestAnimationFrame(follow);
  };

  /** @param {boolean} now */
  const setFollowing = (now) => {
    following = now;
    // Scroll anchoring keeps older lines in place for their reader, but would stop following.
    log.style.overflowAnchor = now ? "none" : "auto";
    if (now) jump.hidden = true;
  };
  setFollowing(true);

  log.tabIndex = 0; // so that the arrow keys scroll it

  // New lines may come before the event of our own scrolling, so only scrolling back means that the reader
  // left the end.
  log.addEventListener(
    "scroll",
    () => {
      if (log.scrollHeight - log.scrollTop - log.clientHeight <= slack) setFollowing(true);
      else if (log.scrollTop < followedTo - slack) setFollowing(false);
    },
    { passive: true },
  );

  const goToEnd = () => {
    setFollowing(true);
    follow();
  };

  jump.addEventListener("click", () => {
    log.focus({ preventScroll: true }); // the focused button disappears
    goToEnd();
  });

  // A resize does not scroll by itself, such as that of a phone's keyboard.
  new ResizeObserver(follow).observe(log);

  /** @param {HTMLElement} element */
  const append = (element) => {
    delete log.dataset.empty; // the text of an empty log
    log.append(element);
    if (log.childElementCount > longest) log.firstElementChild?.remove();
    if (!following) jump.hidden = false;
    followSoon();
  };

  return {
    append,
    goToEnd,

    /** To be called after an element has grown. */
    grown: followSoon,

    /** @param {Line} line */
    add({ text, kind, time = clock.format() }) {
      const line = document.createElement("p");
      line.className = "line";
      line.dir = "auto";
      line.dataset.kind = kind;
      line.dataset.time = time;
      line.textContent = text;
      append(line);
    },

    /** @returns {Line[]} the lines shown, which `add` accepts */
    lines() {
      return [...log.children].map((line) => ({
        text: line.textContent ?? "",
        kind: /** @type {Kind} */ (line.getAttribute("data-kind")),
        time: line.getAttribute("data-time") ?? "",
      }));
    },
  };
}
