import { create, write } from "./dom.js";
import { count, rate } from "./format.js";
import { createKeyed } from "./keyed.js";

/** @import { Dropped } from "../protocol.ts" */
/** @typedef {{ readonly reason: string, readonly total: number, readonly perSecond: number }} Drop */

/** Drops by reason. @param {Element} list */
export const createDrops = (list) => createKeyed(list, ({ reason }) => reason, createDrop);

/** @param {Dropped<string>} dropped @returns {Drop[]} */
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
