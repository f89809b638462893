import { create, find, write, writeName } from "./dom.js";
import { createDrops, dropsOf } from "./drops.js";
import { count, rate } from "./format.js";
import { createKeyed } from "./keyed.js";

/** @import { LayerReport } from "../protocol.ts" */

/** @param {HTMLElement} section */
export function createLayers(section) {
  const none = find(section, "[data-part=none]", HTMLElement);
  const layers = createKeyed(
    find(section, "[data-part=layers]", HTMLElement),
    (/** @type {LayerReport} */ { alias }) => alias,
    () => createLayer(),
  );
  return {
    /** @param {readonly LayerReport[]} reports */
    draw(reports) {
      none.hidden = reports.length > 0;
      layers.draw(reports);
    },
  };
}

function createLayer() {
  const alias = create("bdi", "name");
  const kind = create("small");
  const health = create("p", "health");
  const drops = create("ul", "drops");
  const noDrops = create("p", "quiet", "Nothing dropped.");
  const published = createCounter("Published");
  const received = createCounter("Received");
  const delivered = createCounter("Delivered");
  const consumed = createCounter("Consumed");
  const dropped = createDrops(drops);
  drops.ariaLabel = "Dropped by reason";
  const element = create(
    "li",
    "layer",
    create("h3", "", alias, " ", kind),
    health,
    create("dl", "counters", published.element, received.element, delivered.element, consumed.element),
    noDrops,
    drops,
  );
  return {
    element,
    /** @param {LayerReport} report */
    show(report) {
      writeName(alias, report.alias);
      write(kind, report.kind);
      element.dataset.ok = String(report.health.ok);
      writeName(
        health,
        report.health.ok ? "healthy" : `unhealthy: ${report.health.reason ?? "no reason given"}`,
      );
      published.show(report.totals.published, report.perSecond.published);
      received.show(report.totals.received, report.perSecond.received);
      delivered.show(report.totals.delivered, report.perSecond.delivered);
      consumed.show(report.totals.consumed, report.perSecond.consumed);
      const now = dropsOf(report.dropped);
      noDrops.hidden = now.length > 0;
      drops.hidden = now.length === 0;
      dropped.draw(now);
    },
  };
}

/** @param {string} name */
function createCounter(name) {
  const now = create("dd");
  const total = create("dd", "beside");
  return {
    element: create("div", "", create("dt", "", name), now, total),
    /**
     * @param {number} sum
     * @param {number} perSecond
     */
    show(sum, perSecond) {
      write(now, `${rate(perSecond)}/s`);
      write(total, `${count(sum)} in all`);
    },
  };
}
