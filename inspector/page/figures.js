import { find, write } from "./dom.js";
import { createDrops, dropsOf } from "./drops.js";
import { bytes, count, milliseconds, rate } from "./format.js";
import { createSparkline } from "./sparkline.js";

/** @import { Tick } from "../protocol.ts" */

/**
 * The figures of the node, and the lines of what they were.
 *
 * @param {HTMLElement} header
 */
export function createFigures(header) {
  /** @type {Map<string, HTMLElement>} */
  const parts = new Map();
  for (const part of header.querySelectorAll("[data-figure]"))
    if (part instanceof HTMLElement) parts.set(part.dataset.figure ?? "", part);

  const deliveries = createSparkline(header, "deliveries");
  const loop = createSparkline(header, "loop");
  const drops = createDrops(find(header, "#drops ul", HTMLUListElement));

  /**
   * @param {string} name
   * @param {string} text
   */
  const set = (name, text) => {
    const part = parts.get(name);
    if (part) write(part, text);
  };

  return {
    /** @param {Tick} tick each of them, drawn or not */
    hear({ at, figures }) {
      deliveries.add(at, figures.deliveriesPerSecond);
      loop.add(at, figures.loopDelay.p99);
    },

    /** @param {Tick} tick */
    draw({ at, figures }) {
      const { loopDelay, watching } = figures;
      const dropped = dropsOf(figures.dropped);
      set("actors", count(figures.actors));
      set("watching", `${count(watching)} watching`);
      set("deliveries", rate(figures.deliveriesPerSecond));
      set("deliveries-most", `most ${rate(deliveries.most())}`);
      set("frames-in", `${rate(figures.framesInPerSecond)} in`);
      set("frames-out", `${rate(figures.framesOutPerSecond)} out`);
      set("loop", milliseconds(loopDelay.p99));
      set("loop-beside", `half ${milliseconds(loopDelay.p50)}, most ${milliseconds(loopDelay.max)}`);
      set("rss", bytes(figures.rssBytes));
      set("heap", `${bytes(figures.heapBytes)} heap`);
      set("cpu", `${Math.round(figures.cpu * 100)} %`);
      set("refused", count(figures.refused));
      set("dropped", count(dropped.reduce((sum, { total }) => sum + total, 0)));
      set("dropped-rate", `${rate(dropped.reduce((sum, { perSecond }) => sum + perSecond, 0))}/s`);
      deliveries.draw(at);
      loop.draw(at);
      drops.draw(dropped);
    },
  };
}
