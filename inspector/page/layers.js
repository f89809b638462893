import { create, findPart, write, writeName } from "./dom.js";
import { createDrops, dropsOf } from "./figures.js";
import { count, rate } from "./format.js";
import { createKeyed } from "./keyed.js";

/** @import { LayerReport } from "../protocol.ts" */

const counters = /** @type {const} */ (["published", "received", "delivered", "consumed"]);

/** @param {HTMLElement} section */
export function createLayers(section) {
  const none = findPart(section, "none");
  const layers = createKeyed(findPart(section, "layers"), ({ alias }) => alias, createLayer);
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
  const list = create("ul", "drops");
  const noDrops = create("p", "quiet", "No drops.");
  const lines = counters.map((name) => ({ name, perSecond: create("dd"), total: create("dd", "beside") }));
  const drops = createDrops(list);
  list.ariaLabel = "Dropped by reason";
  const element = create(
    "li",
    "layer",
    create("h3", "", alias, " ", kind),
    health,
    create(
      "dl",
      "counters",
      ...lines.map(({ name, perSecond, total }) => {
        const title = create("dt", "", name.charAt(0).toUpperCase() + name.slice(1));
        return create("div", "", title, perSecond, total);
      }),
    ),
    noDrops,
    list,
  );
  return {
    element,
    /** @param {LayerReport} report */
    show(report) {
      writeName(alias, report.alias);
      write(kind, report.kind);
      const { ok, reason = "no reason given" } = report.health;
      element.dataset.ok = String(ok);
      writeName(health, ok ? "healthy" : `unhealthy: ${reason}`);
      for (const { name, perSecond, total } of lines) {
        write(perSecond, `${rate(report.perSecond[name])}/s`);
        write(total, `${count(report.totals[name])} total`);
      }
      const dropped = dropsOf(report.dropped);
      noDrops.hidden = dropped.length > 0;
      list.hidden = dropped.length === 0;
      drops.draw(dropped);
    },
  };
}
