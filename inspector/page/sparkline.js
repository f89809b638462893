import { find } from "./dom.js";

const spanMs = 120_000;
/** The shortest time that the full width represents. The line of a shorter time is narrower. */
const leastMs = 30_000;
/** The line has a gap if the time between two consecutive values is longer than this. */
const breakMs = 5_000;
const width = 120;
const height = 30;

/** The line of a metric over the last two minutes. @param {ParentNode} root @param {string} name */
export function createSparkline(root, name) {
  const path = find(root, `[data-line="${name}"] path`, SVGPathElement);
  /** @type {{ at: number, value: number }[]} */
  let points = [];
  return {
    /** @param {number} at @param {number} value */
    add(at, value) {
      points.push({ at, value });
      if (at - (points[0]?.at ?? at) > spanMs * 1.25)
        points = points.filter((point) => at - point.at <= spanMs);
    },

    /** @param {number} now */
    draw(now) {
      const top = Math.max(1, this.most());
      const span = Math.min(spanMs, Math.max(leastMs, now - (points[0]?.at ?? now)));
      let line = "";
      let before = Number.NEGATIVE_INFINITY;
      for (const { at, value } of points) {
        const x = width - ((now - at) / span) * width;
        const y = height - 1.5 - (value / top) * (height - 3);
        line += `${at - before > breakMs ? "M" : "L"}${x.toFixed(1)} ${y.toFixed(1)}`;
        before = at;
      }
      path.setAttribute("d", line);
    },

    most: () => points.reduce((most, { value }) => Math.max(most, value), 0),
  };
}
