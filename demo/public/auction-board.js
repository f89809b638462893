import { find } from "./dom.js";
import { shownName } from "./names.js";

/** @typedef {import("./lot-contract.js").LotView} Lot */

/** Shows the state of a lot, its leading bid, and the time until it closes. @param {HTMLElement} element */
export function createAuctionBoard(element) {
  const state = find(element, ".lot-state", HTMLElement);
  const countdown = find(element, "[role=timer]", HTMLElement);
  const leading = find(element, ".leading", HTMLElement);
  const facts = find(element, ".facts", HTMLElement);
  let ticking = 0;

  const clear = () => {
    window.clearInterval(ticking);
    delete element.dataset.lot;
    element.dataset.doubtful = "";
    state.textContent = "unknown";
    countdown.textContent = "";
    leading.textContent = "Connect to see the lot.";
    facts.textContent = "";
  };
  clear();

  return {
    clear,

    /** @param {Lot} lot */
    show({ state: now, amount, by, reserve, closesAt, bids }) {
      delete element.dataset.doubtful;
      element.dataset.lot = now;
      state.textContent = now;
      leading.textContent = amount === null ? "No bid" : `${amount} by ${shownName(by ?? "")}`;
      leading.title = leading.textContent;
      facts.textContent = `${bids} ${bids === 1 ? "bid" : "bids"}, ${reserve ? `reserve ${reserve}` : "no reserve"}`;
      window.clearInterval(ticking);
      if (closesAt === null || now === "idle" || now === "sold") {
        countdown.textContent = "";
        return;
      }
      const tick = () => {
        const text = timeLeft(closesAt - Date.now());
        if (countdown.textContent !== text) countdown.textContent = text;
      };
      tick();
      ticking = window.setInterval(tick, 200);
    },

    /** Marks the state as outdated until {@link show}. The countdown goes on, because the auction does. */
    markStale() {
      element.dataset.doubtful = "";
    },
  };
}

/** @param {number} ms */
function timeLeft(ms) {
  const seconds = Math.max(0, Math.ceil(ms / 1_000));
  return `closes in ${Math.floor(seconds / 60)}:${String(seconds % 60).padStart(2, "0")}`;
}
