import { expect } from "chai";
import type { Browser, Page } from "playwright-core";
import { MarkedMachine } from "../../diagrams/marked-machine.ts";
import { svgOf } from "../../diagrams/svg.ts";
import { launchBrowser } from "../support/browser.ts";
import { machines, nodesOf } from "./machines.ts";

interface Part {
  readonly mark: string;
  readonly classes: readonly string[];
  readonly text: string;
  /** The marks of the shapes at which the arrow's line begins and ends. */
  readonly begins: readonly string[];
  readonly ends: readonly string[];
}

/** Runs in the page. The second point of an arrowhead is its tip in Graphviz's output. */
const readParts = `(svg) => {
  const parsed = new DOMParser().parseFromString(svg, "image/svg+xml");
  if (parsed.querySelector("parsererror")) throw new Error(parsed.documentElement.textContent);
  document.body.replaceChildren(document.importNode(parsed.documentElement, true));
  const markOf = (group) => [...group.classList].find((name) => /^[sa]\\d+$/.test(name));
  const groups = [...document.querySelectorAll("svg g g")];
  const shapes = groups.flatMap((group) =>
    group.matches(".edge") ? [] : [...group.querySelectorAll("path, polygon, ellipse")].map((shape) => ({ shape, mark: markOf(group) })));
  for (const { shape } of shapes) shape.style.strokeWidth = "18px";
  const touched = (point) => point === undefined ? [] :
    [...new Set(shapes.filter(({ shape }) => shape.isPointInStroke(point)).map(({ mark }) => mark))];
  return groups.filter(markOf).map((group) => {
    const line = group.matches(".edge") ? group.querySelector("path") : undefined;
    const tip = group.querySelector("polygon")?.points[1] ?? line?.getPointAtLength(line.getTotalLength());
    return {
      mark: markOf(group),
      classes: [...group.classList],
      text: [...group.querySelectorAll("text")].map(({ textContent }) => textContent).join(" "),
      begins: touched(line?.getPointAtLength(0)),
      ends: line ? touched(tip) : [],
    };
  });
}`;

const bare = (text: string) => text.replaceAll("\n", "↵").replace(/\s+/g, "");

describe("MarkedMachine", function () {
  this.timeout(60_000);
  let browser: Browser;
  let page: Page;

  before(async () => {
    browser = await launchBrowser();
    page = await browser.newPage();
  });
  after(() => browser.close());

  const partsOf = async (marked: MarkedMachine) =>
    (await page.evaluate(
      `(${readParts})(${JSON.stringify(await svgOf(marked.dot, marked.name))})`,
    )) as Part[];

  for (const [name, machine] of Object.entries(machines)) {
    it(`puts the mark of every state and arrow on its shape: ${name}`, async () => {
      const marked = new MarkedMachine(machine);
      const parts = await partsOf(marked);
      const drawn = nodesOf(machine.root).filter(({ id }) => marked.markOfState(id) !== undefined);
      expect(nodesOf(machine.root).filter((node) => !drawn.includes(node))).to.deep.equal(
        drawn.includes(machine.root) ? [] : [machine.root],
      );
      expect(marked.states.map(({ mark }) => mark)).to.deep.equal(
        drawn.map(({ id }) => marked.markOfState(id)),
      );
      for (const [index, { key, type, path }] of drawn.entries()) {
        const state = marked.states[index];
        const shown = parts.filter(({ mark }) => mark === state?.mark);
        expect(shown.map(({ classes }) => classes.includes(type))).to.deep.equal([true]);
        expect(bare(shown[0]?.text ?? ""))
          .to.match(/./)
          .and.satisfy((text: string) => text.startsWith(bare(key)));
        expect(state?.path).to.equal(path.length === 0 ? key : path.join("."));
        expect(state?.depth).to.equal(path.length - (drawn.includes(machine.root) ? 0 : 1));
      }
      for (const { mark, from, to, label } of marked.arrows) {
        const [fork, ...forks] = parts.filter((part) => part.mark === mark && part.classes.includes("node"));
        const lines = parts.filter((part) => part.mark === mark && part.classes.includes("edge"));
        expect(forks).to.deep.equal([]);
        expect(lines).to.have.length(fork === undefined ? 1 : 1 + to.length);
        expect(fork === undefined).to.equal(to.length === 1);
        expect(lines[0]?.begins, `the beginning of ${mark}`).to.include(from);
        const heads = fork === undefined ? lines : lines.slice(1);
        for (const [index, target] of to.entries())
          expect(heads[index]?.ends, `the head of ${mark}`).to.include(target);
        expect(bare(lines.map(({ text }) => text).join(""))).to.equal(bare(label));
      }
      const known = [...marked.states, ...marked.arrows].map(({ mark }) => mark);
      expect(new Set(parts.map(({ mark }) => mark))).to.deep.equal(new Set(known));
      expect(new Set(known)).to.have.property("size", known.length);
    });
  }
});
