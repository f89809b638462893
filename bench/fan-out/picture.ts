import type { Results } from "../harness/results.ts";
import { busy, type Growth, growing, growths, oneNode, sendingTitle, stepTitle } from "./plan.ts";
import type { RowName } from "./rows.ts";

const labels: Readonly<Partial<Record<RowName, string>>> = {
  ...{ net: "net", ws: "ws", "ws-framed": "ws, framed once", "socket.io": "Socket.IO" },
  ...{ uwebsockets: "uWebSockets.js", greenroom: "Greenroom" },
};

/** A panel's size and margins in pixels. The title and the labels of the axes are in the margins. */
const panel = { width: 320, height: 260, left: 48, right: 20, top: 44, bottom: 36 } as const;
const head = 48;
const [width, height] = [panel.width * 3, head + panel.height * 2];
const plot = {
  width: panel.width - panel.left - panel.right,
  height: panel.height - panel.top - panel.bottom,
} as const;

const style = `
  svg { --paper: #ffffff; --ink: #24292f; --faint: #d0d7de; --soft: #57606a; --ws: #bc4c00; --uwebsockets: #0969da; --greenroom: #1a7f37; }
  @media (prefers-color-scheme: dark) {
    svg { --paper: #0d1117; --ink: #e6edf3; --faint: #30363d; --soft: #8d96a0; --ws: #f0883e; --uwebsockets: #58a6ff; --greenroom: #3fb950; }
  }
  text { font: 12px system-ui, sans-serif; fill: var(--soft); }
  .title { font-weight: 600; fill: var(--ink); }
  .line { fill: none; stroke-width: 2.5; stroke-linejoin: round; }
  .grid { stroke: var(--faint); }
`;

/** Draws the cost of a delivery, by row and by growing quantity, as an SVG for light and dark pages. */
export function picture(results: Results): string {
  const panels = [bars(results), ...Object.values(growths).map((growth) => lines(results, growth))].map(
    (content, index) => {
      const [x, y] = [(index % 3) * panel.width, head + Math.floor(index / 3) * panel.height];
      return `<g transform="translate(${x} ${y})">${content}</g>`;
    },
  );
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${width} ${height}" width="${width}" height="${height}">`,
    `<title>CPU per delivery</title><style>${style}</style>`,
    `<rect width="${width}" height="${height}" fill="var(--paper)"/>`,
    text(16, 28, "Server CPU per delivery, µs", "title"),
    ...growing.map((row, index) => legend(row, panel.width + panel.left + index * 150)),
    ...panels,
    "</svg>\n",
  ].join("\n");
}

function legend(row: RowName, x: number): string {
  const rule = `<path class="line" stroke="${colour(row)}" d="M${x} 24h18"/>`;
  return rule + text(x + 24, 28, labels[row]);
}

/** A line for each row. Both axes are logarithmic. */
function lines(results: Results, growth: Growth): string {
  const costs = growing.map((row) =>
    growth.steps.flatMap((step) => {
      const cpu = results.spread([stepTitle(growth, step), row], "cpu")?.median;
      return cpu === undefined ? [] : [{ step, cpu }];
    }),
  );
  const decades = decadesAround(costs.flat().map(({ cpu }) => cpu));
  const y = scale(decades[0] ?? 0.1, decades.at(-1) ?? 1, panel.top + plot.height, panel.top);
  const x = scale(growth.steps[0] ?? 1, growth.steps.at(-1) ?? 10, panel.left, panel.left + plot.width);
  return [
    text(panel.left, 24, `by ${growth.title}`, "title"),
    ...decades.map((value) => ruler(y(value), String(value))),
    ...growth.steps.map((step) => text(x(step), panel.height - 14, compact(step), "", "middle")),
    ...costs.map((points, index) =>
      curve(
        points.map(({ step, cpu }) => [x(step), y(cpu)]),
        growing[index],
      ),
    ),
  ].join("\n");
}

function ruler(y: number, label: string): string {
  const rule = `<path class="grid" d="M${panel.left} ${y}h${plot.width}"/>`;
  return rule + text(panel.left - 8, y + 4, label, "", "end");
}

function curve(points: readonly (readonly [number, number])[], row: RowName | undefined): string {
  if (row === undefined || points.length === 0) return "";
  const path = points.map(([x, y]) => `${x.toFixed(1)} ${y.toFixed(1)}`).join("L");
  const dots = points.map(
    ([x, y]) => `<circle cx="${x.toFixed(1)}" cy="${y.toFixed(1)}" r="3" fill="${colour(row)}"/>`,
  );
  return `<path class="line" stroke="${colour(row)}" d="M${path}"/>${dots.join("")}`;
}

/** A bar for each row, with 20 messages in flight. */
function bars(results: Results): string {
  const costs = oneNode.flatMap((row) => {
    const cpu = results.spread([sendingTitle(busy(1)), row], "cpu")?.median;
    return cpu === undefined ? [] : [{ row, cpu }];
  });
  const longest = Math.max(...costs.map(({ cpu }) => cpu));
  const [left, right, step] = [120, 52, plot.height / oneNode.length];
  const content = costs.map(({ row, cpu }, index) => {
    const y = panel.top + index * step;
    const length = ((panel.width - left - right) * cpu) / longest;
    const bar = `<rect x="${left}" y="${y.toFixed(1)}" width="${length.toFixed(1)}" height="${(step * 0.6).toFixed(1)}" rx="2" fill="${colour(row)}"/>`;
    const middle = y + step * 0.3 + 4;
    return (
      text(left - 8, middle, labels[row], "", "end") +
      bar +
      text(left + length + 6, middle, cpu.toPrecision(2))
    );
  });
  return [text(16, 24, "1,000 members, 20 messages in flight", "title"), ...content].join("\n");
}

/** The powers of ten from below the minimum to above the maximum. */
function decadesAround(values: readonly number[]): number[] {
  if (values.length === 0) return [];
  const from = Math.floor(Math.log10(Math.min(...values)));
  const to = Math.max(from + 1, Math.ceil(Math.log10(Math.max(...values))));
  return Array.from({ length: to - from + 1 }, (_, index) => Number(`1e${from + index}`));
}

function scale(from: number, to: number, first: number, last: number): (value: number) => number {
  return (value) => first + ((last - first) * Math.log(value / from)) / Math.log(to / from);
}

function text(x: number, y: number, content = "", kind = "", anchor = "start"): string {
  const escaped = content.replace(/[&<>]/g, (letter) => `&#${letter.charCodeAt(0)};`);
  return `<text x="${x.toFixed(1)}" y="${y.toFixed(1)}" class="${kind}" text-anchor="${anchor}">${escaped}</text>`;
}

/** The colour of a row. Each row that is measured by growth has its own colour. */
function colour(row: RowName): string {
  return growing.some((name) => name === row) ? `var(--${row})` : "var(--soft)";
}

function compact(value: number): string {
  return value.toLocaleString("en", { notation: value < 10_000 ? "standard" : "compact" });
}
