/**
 * The kind of a line: a member's text, a notice of the server, a notice about missed messages, or a refusal.
 *
 * @typedef {"message" | "notice" | "gap" | "refusal"} Kind
 */

/**
 * @typedef {object} Line
 * @property {string} text shown as text, never as markup
 * @property {Kind} kind
 * @property {string} [from] the name of the author
 * @property {number} [at] milliseconds since 1970; by default the current time
 * @property {string} [time] the time of day; by default that of `at`
 */

const clock = new Intl.DateTimeFormat("en", { hour: "2-digit", minute: "2-digit", hourCycle: "h23" });

const longest = 500;
/** The distance from the end, in pixels, within which the reader counts as being at the end. */
const slack = 24;

/**
 * Shows the last 500 lines in `log`, the newest last. While the reader is at the end, new lines scroll into
 * view. Otherwise the button `jump` is shown.
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
    // Scroll anchoring keeps older lines in place, so that new lines at the end would not scroll into view.
    log.style.overflowAnchor = now ? "none" : "auto";
    if (now) jump.hidden = true;
  };
  setFollowing(true);

  log.tabIndex = 0; // so that the arrow keys scroll it

  // New lines that arrive between a scroll and its event increase the distance to the end. Therefore only
  // scrolling up means that the reader has left the end.
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
    log.focus({ preventScroll: true }); // the button, which has the focus, disappears
    goToEnd();
  });

  // After a resize, for example by a phone's keyboard, the log does not scroll to its end by itself.
  new ResizeObserver(follow).observe(log);

  /** @param {HTMLElement} element */
  const append = (element) => {
    delete log.dataset.empty; // hides the text of an empty log
    log.append(element);
    if (log.childElementCount > longest) log.firstElementChild?.remove();
    if (!following) jump.hidden = false;
    followSoon();
  };

  return {
    append,
    goToEnd,

    /** Must be called after an element of the list has grown. */
    grown: followSoon,

    /** @param {Line} line */
    add({ text, kind, from, at, time = clock.format(at) }) {
      const line = document.createElement("p");
      line.className = "line";
      line.dir = "auto";
      line.dataset.kind = kind;
      line.dataset.time = time;
      if (from === undefined) line.textContent = text;
      else line.append(authorOf(from), `: ${text}`);
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

/** The name of an author, whose direction does not affect that of the text. @param {string} name */
function authorOf(name) {
  const author = document.createElement("bdi");
  author.className = "author";
  author.textContent = name;
  return author;
}
