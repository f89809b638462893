/** @typedef {"message" | "notice" | "gap" | "refusal"} Kind a person's words, the server's announcement, our own remark, the server's no */

/**
 * @typedef {object} Line
 * @property {string} text shown as text, never as markup
 * @property {Kind} kind
 * @property {string} [time] of day; now if absent
 */

/** 24 hours, so that it is as short everywhere. */
const clock = new Intl.DateTimeFormat("en", { hour: "2-digit", minute: "2-digit", hourCycle: "h23" });

const longest = 500;
/** How far from the end, in pixels, a reader still counts as being there. */
const slack = 24;

/**
 * Shows lines in `log`, the newest last, and keeps the last 500. Follows the newest only while the reader is at the
 * end; else `jump`, a button, says that there is more below.
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

  /** Once a frame, however much comes. */
  const followSoon = () => {
    if (scheduled) return;
    scheduled = true;
    requestAnimationFrame(follow);
  };

  /** @param {boolean} now */
  const setFollowing = (now) => {
    following = now;
    // The browser's own anchor keeps the older lines in place for their reader, and would hold back who follows.
    log.style.overflowAnchor = now ? "none" : "auto";
    if (now) jump.hidden = true;
  };
  setFollowing(true);

  log.tabIndex = 0; // so that the arrow keys scroll it

  // Lines come between our scrolling and its event: to be far from the end is no sign of a reader, to go back is.
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
    log.focus({ preventScroll: true }); // the button that had it disappears
    goToEnd();
  });

  // A box that changes its size does not scroll by itself, as when a phone's keyboard opens.
  new ResizeObserver(follow).observe(log);

  /** @param {HTMLElement} element */
  const append = (element) => {
    delete log.dataset.empty; // what it says of itself as long as it is empty
    log.append(element);
    if (log.childElementCount > longest) log.firstElementChild?.remove();
    if (!following) jump.hidden = false;
    followSoon();
  };

  return {
    append,
    goToEnd,

    /** To be called when an element has become longer. */
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

    /** @returns {Line[]} that are still there, and can be added again */
    lines() {
      return [...log.children].map((line) => ({
        text: line.textContent ?? "",
        kind: /** @type {Kind} */ (line.getAttribute("data-kind")),
        time: line.getAttribute("data-time") ?? "",
      }));
    },
  };
}
