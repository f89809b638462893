/** The server ends the typing of a member after 5 s, so a longer typing is told again. */
const repeatMs = 3_000;

/**
 * Tells the server when the user begins and ends to type in `input`.
 *
 * @param {HTMLInputElement} input
 * @param {(on: boolean) => boolean} tell returns whether the server was told
 */
export function createTypingNotices(input, tell) {
  const never = Number.NEGATIVE_INFINITY;
  let toldAt = never;

  /** @param {boolean} on */
  const type = (on) => {
    const isKnown = on ? performance.now() - toldAt < repeatMs : toldAt === never;
    if (!isKnown && tell(on)) toldAt = on ? performance.now() : never;
  };

  input.addEventListener("input", () => type(input.value !== ""));

  return {
    /** The user has sent the text. */
    end: () => type(false),

    /** The connection is a new one, and nothing was told on it. */
    reset() {
      toldAt = never;
    },
  };
}
