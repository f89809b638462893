import { create, find, write, writeName } from "./dom.js";
import { bytes, count, milliseconds, rate } from "./format.js";
import { createKeyed } from "./keyed.js";
import { createSparkline } from "./sparkline.js";

/** @import { Dropped, Tick } from "../protocol.ts" */

/** @typedef {{ readonly reason: string, readonly total: number, readonly perSecond: number }} Drop */

/** The metrics of the node. Two metrics have a sparkline. @param {HTMLElement} header */
export function createFigures(header) {
  const deliveries = createSparkline(header, "deliveries");
  const loop = createSparkline(header, "loop");
  const drops = createDrops(find(header, "#drops ul", HTMLUListElement));

  return {
    /** Must be called for every tick, even if the tick is not drawn. @param {Tick} tick */
    add({ at, figures }) {
      deliveries.add(at, figures.deliveriesPerSecond);
      loop.add(at, figures.loopDelay.p99);
    },

    /** @param {Tick} tick */
    draw({ at, figures }) {
      const { loopDelay, sessions } = figures;
      const dropped = dropsOf(figures.dropped);
      const texts = {
        actors: count(figures.actors),
        watching: `${count(figures.watching)} watching`,
        away: count(sessions.away),
        "away-kept": `${bytes(sessions.keptBytes)} kept`,
        deliveries: rate(figures.deliveriesPerSecond),
        "deliveries-most": `max ${rate(deliveries.most())}`,
        "frames-in": `${rate(figures.framesInPerSecond)} in`,
        "frames-out": `${rate(figures.framesOutPerSecond)} out`,
        loop: milliseconds(loopDelay.p99),
        "loop-beside": `p50 ${milliseconds(loopDelay.p50)}, max ${milliseconds(loopDelay.max)}`,
        rss: bytes(figures.rssBytes),
        heap: `${bytes(figures.heapBytes)} heap`,
        cpu: `${Math.round(figures.cpu * 100)} %`,
        refused: count(figures.refused),
        dropped: count(dropped.reduce((sum, { total }) => sum + total, 0)),
        "dropped-rate": `${rate(dropped.reduce((sum, { perSecond }) => sum + perSecond, 0))}/s`,
      };
      for (const [name, text] of Object.entries(texts))
        writeName(find(header, `[data-figure="${name}"]`, HTMLElement), text);
      deliveries.draw(at);
      loop.draw(at);
      drops.draw(dropped);
    },
  };
}

/** @param {Element} list */
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
