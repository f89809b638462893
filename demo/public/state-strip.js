import { find } from "./dom.js";

/**
 * Lights the lamp of the current state. During a pause, shows the time to the next attempt, beside the wire
 * that leads back to the first lamp.
 *
 * @param {HTMLElement} element
 */
export function createStateStrip(element) {
  const lamps = [...element.querySelectorAll("[data-lamp]")];
  const wire = find(element, ".retry", HTMLElement);
  const countdown = find(element, "[role=timer]", HTMLElement);
  let ticking = 0;

  return {
    /** @param {import("./connection.js").Status} status */
    show({ state, cause, pauseMs = 0 }) {
      const lit = state === "waiting" ? "closed" : state;
      for (const lamp of lamps) {
        if (lamp.getAttribute("data-lamp") === lit) lamp.setAttribute("aria-current", "step");
        else lamp.removeAttribute("aria-current");
      }
      clearInterval(ticking);
      wire.style.setProperty("--pause", `${pauseMs}ms`);
      if (state !== "waiting") {
        countdown.textContent = state === "connecting" && cause ? "reconnecting now" : "";
        return;
      }
      const due = performance.now() + pauseMs;
      const tick = () => {
        const seconds = Math.max(1, Math.ceil((due - performance.now()) / 1000));
        const text = `reconnecting in ${seconds} s`;
        if (countdown.textContent !== text) countdown.textContent = text;
      };
      tick();
      ticking = setInterval(tick, 200);
    },
  };
}
