import { find } from "./dom.js";

/**
 * Lights the lamp of the current state. While the connection is away, shows the time to the next attempt, beside
 * the wire that leads back to the lamp `joined`.
 *
 * @param {HTMLElement} element
 */
export function createStateStrip(element) {
  const lamps = [...element.querySelectorAll("[data-lamp]")];
  const wire = find(element, ".retry", HTMLElement);
  const countdown = find(element, "[role=timer]", HTMLElement);
  let ticking = 0;

  return {
    /** @param {import("./panel.js").PanelStatus} status */
    show(status) {
      const { state } = status;
      const lit = state === "closing" ? "closed" : state;
      for (const lamp of lamps) {
        if (lamp.getAttribute("data-lamp") === lit) lamp.setAttribute("aria-current", "step");
        else lamp.removeAttribute("aria-current");
      }
      window.clearInterval(ticking);
      if (state !== "away") {
        countdown.textContent = "";
        return;
      }
      wire.style.setProperty("--pause", `${Math.round(status.retryInMs)}ms`);
      const due = performance.now() + status.retryInMs;
      const tick = () => {
        const seconds = Math.ceil((due - performance.now()) / 1000);
        const text = seconds > 0 ? `next try in ${seconds} s` : "trying now";
        if (countdown.textContent !== text) countdown.textContent = text;
      };
      tick();
      ticking = window.setInterval(tick, 200);
    },
  };
}
