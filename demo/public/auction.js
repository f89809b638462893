import { createAuctionBoard } from "./auction-board.js";
import { enable, find } from "./dom.js";
import { connect, FrameRefused } from "./greenroom-client.js";
import { lot } from "./lot-contract.js";
import { shownName } from "./names.js";
import { createPanel } from "./panel.js";
import { createRefusal } from "./refusal.js";

/** @import { Lot } from "./auction-board.js" */
/** @import { Client } from "./greenroom-client.js" */

/** Auction: one lot, which goes on without this page. @param {HTMLElement} element */
export function createAuction(element) {
  const name = find(element, "#auction-lot", HTMLInputElement);
  const person = find(element, "#auction-person", HTMLInputElement);
  const amount = find(element, "#auction-amount", HTMLInputElement);
  const seconds = find(element, "#auction-seconds", HTMLInputElement);
  const reserve = find(element, "#auction-reserve", HTMLInputElement);
  const opening = find(element, ".opening", HTMLFormElement);
  const begin = find(element, "#auction-open", HTMLButtonElement);
  const address = find(element, ".address", HTMLElement);
  const board = createAuctionBoard(find(element, ".board", HTMLElement));
  const wrongAmount = createRefusal(find(element, "#auction-wrong-amount", HTMLElement), amount);

  /** @type {Client<typeof lot> | undefined} */
  let client;
  /** @type {Lot | undefined} */
  let seen;
  let isJoined = false;

  const panel = createPanel(element, {
    open() {
      client = connect(lot, { params: { lot: lotName() } });
      client.on("state", show);
      return client;
    },
    place: () => `lot ${name.value}`,
    say: (text, client) => bid(Number(text), client),
    changed(state) {
      isJoined = state === "joined";
      enableOpening();
      if (state === "closed") forget();
      else if (!isJoined) board.markStale();
    },
  });

  opening.addEventListener("submit", async (event) => {
    event.preventDefault();
    if (begin.ariaDisabled === "true") return;
    const auction = { seconds: seconds.valueAsNumber, reserve: reserve.valueAsNumber };
    try {
      await client?.ask("open", auction);
    } catch (error) {
      panel.messages.add({ text: `Not opened: ${wordsOf(error)}`, kind: "refusal" });
    }
  });

  const showAddress = () => {
    address.textContent = `/ws/lot/${encodeURIComponent(lotName())}`;
  };
  name.addEventListener("input", showAddress);
  showAddress(); // the browser may have kept the text of the field across a reload

  /** Lone surrogates, which no address can contain, become the replacement character. */
  function lotName() {
    return name.value.replace(/\p{Surrogate}/gu, "\uFFFD");
  }

  /** @param {number} amount @param {Client<typeof lot>} client */
  async function bid(amount, client) {
    wrongAmount.show("");
    try {
      await client.ask("bid", { by: person.value.trim() || "Guest", amount });
    } catch (error) {
      if (!(error instanceof FrameRefused)) throw error; // The panel tells that the bid was not sent.
      giveBack(amount);
      wrongAmount.show(error.message);
    }
  }

  /** @param {number} refused the user can correct it */
  function giveBack(refused) {
    if (amount.value === "") amount.value = String(refused);
  }

  /** @param {Lot} now */
  function show(now) {
    for (const line of newsOf(seen, now)) panel.messages.add(line);
    seen = now;
    board.show(now);
    enableOpening();
  }

  function enableOpening() {
    enable(begin, isJoined && (seen?.state === "idle" || seen?.state === "sold"));
  }

  function forget() {
    seen = undefined;
    board.clear();
    wrongAmount.show("");
  }
}

/**
 * The lines about the changes between two states of a lot. States between them may have been left out.
 *
 * @param {Lot | undefined} before
 * @param {Lot} now
 * @returns {import("./message-list.js").Line[]}
 */
function newsOf(before, { state, amount, by, reserve, bids }) {
  /** @type {import("./message-list.js").Line[]} */
  const lines = [];
  const notice = (/** @type {string} */ text) => lines.push({ text, kind: "notice" });
  const isOver = state === "idle" || state === "sold";
  const wasOver = before?.state === "idle" || before?.state === "sold";
  const known = wasOver ? 0 : (before?.bids ?? 0);
  if (!isOver && (before === undefined || wasOver)) notice(`🔔 Open for bids, from a reserve of ${reserve}.`);
  if (bids > known && amount !== null && !(wasOver && isOver))
    lines.push({ text: String(amount), kind: "message", from: shownName(by ?? "") });
  if (state === "going" && before?.state !== "going") notice("⏳ Going once, going twice…");
  if (state === "sold" && before?.state !== "sold")
    notice(amount === null ? "🔨 Closed without a bid." : `🔨 Sold to ${shownName(by ?? "")} for ${amount}.`);
  return lines;
}

/** @param {unknown} error */
const wordsOf = (error) => (error instanceof FrameRefused ? error.message : "the server did not answer.");
