import { create, write } from "./dom.js";
import { count, rate } from "./format.js";
import { createKeyed } from "./keyed.js";

/** @typedef {{ readonly reason: string, readonly total: number, readonly perSecond: number }} Drop */

/**
 * What was dropped, by reason.
 *
 * @param {Element} list
 */
export function createDrops(list) {
  const drops = createKeyed(list, ({ reason }) => reason, createDrop);
  return {
    /** @param {readonly Drop[]} now */
    draw: (now) => drops.draw(now),
  };
}

/**
 * @param {Readonly<Record<string, { readonly total: number, readonly perSecond: number } | undefined>>} dropped
 * @returns {Drop[]}
 */
export function dropsOf(dropped) {
  return Object.entries(dropped).flatMap(([reason, counts]) => (counts ? [{ reason, ...counts }] : []));
}

/** @param {Drop} drop */
function createDrop({ reason }) {
  const total = create("b");
  const now = create("span", "now");
  return {
    element: create("li", "", `${reason} `, total, " ", now),
    /** @param {Drop} drop */
    show(drop) {
      write(total, count(drop.total));
      write(now, drop.perSecond > 0 ? `${rate(drop.perSecond)}/s` : "");
    },
  };
}
