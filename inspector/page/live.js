import { find, write } from "./dom.js";

/**
 * The status text stays the same during retries, so screen readers read it once. The countdown is separate.
 *
 * @param {HTMLElement} element @param {() => void} tryNow
 */
export function createLive(element, tryNow) {
  const text = find(element, "[role=status]", HTMLElement);
  const timer = find(element, "[role=timer]", HTMLElement);
  const button = find(element, "button", HTMLButtonElement);
  /** @type {ReturnType<typeof setInterval> | undefined} */
  let ticking;
  button.addEventListener("click", tryNow);

  return {
    /** @param {import("./connection.js").Status} status */
    show({ state, reason, pauseMs = 0 }) {
      element.dataset.state = state;
      document.body.dataset.live = String(state === "live");
      write(text, state === "live" ? "Live" : reason || "Connecting…");
      button.hidden = state !== "refused" && state !== "waiting";
      clearInterval(ticking);
      if (state !== "waiting") return write(timer, state === "connecting" && reason ? "Retrying now." : "");
      const due = performance.now() + pauseMs;
      const tick = () =>
        write(timer, `Next attempt in ${Math.max(1, Math.ceil((due - performance.now()) / 1000))} s.`);
      tick();
      ticking = setInterval(tick, 250);
    },
  };
}
