import { count } from "./format.js";

/** @import { MachineFacts } from "../protocol.ts" */

const namespace = "http://www.w3.org/2000/svg";

const allowed = new Set("svg g path polygon polyline ellipse circle rect line text tspan".split(" "));

/**
 * The picture of a machine, with the number of actors in each state and the transitions taken.
 *
 * @param {MachineFacts} machine
 * @param {(mark: string) => void} choose called when a state is clicked
 * @returns {Picture | string} the picture, or the reason that there is none
 */
export function createPicture(machine, choose) {
  if ("missing" in machine.picture) return machine.picture.missing;
  const parsed = new DOMParser().parseFromString(machine.picture.svg, "image/svg+xml").documentElement;
  if (parsed.namespaceURI !== namespace || parsed.localName !== "svg") return "The picture is not an SVG.";
  clean(parsed); // must precede the import, after which scripts in the picture would run
  const svg = document.importNode(parsed, true);
  if (!(svg instanceof SVGSVGElement)) return "The picture is not an SVG.";
  svg.setAttribute("role", "img");
  svg.setAttribute("aria-label", `The machine ${machine.name}. The table has the same data.`);
  const { width, height } = svg.viewBox.baseVal;
  svg.removeAttribute("width");
  svg.removeAttribute("height");
  svg.style.setProperty("--width", `${Math.round(width * 1.2)}px`);
  svg.style.setProperty("--ratio", `${width} / ${height}`);
  return new Picture(svg, machine, choose);
}

class Picture {
  /** @type {Map<string, { group: SVGElement, badge: Badge | undefined }>} */
  #states = new Map();
  /** @type {Map<string, { groups: SVGElement[], text: SVGTextElement | undefined }>} */
  #arrows = new Map();
  #isPlaced = false;

  /** @param {SVGSVGElement} svg @param {MachineFacts} machine @param {(mark: string) => void} choose */
  constructor(svg, machine, choose) {
    this.svg = svg;
    const { width } = svg.viewBox.baseVal;
    // When the picture shrinks, the numbers in it keep their size.
    new ResizeObserver(() => {
      if (svg.clientWidth > 0)
        svg.style.setProperty("--shrink", String(Math.min(2, width / svg.clientWidth)));
    }).observe(svg);
    for (const { mark } of machine.states) {
      const group = svg.querySelector(`.${CSS.escape(mark)}`);
      if (!(group instanceof SVGElement)) continue;
      this.#states.set(mark, { group, badge: undefined });
      group.classList.add("choice");
      group.addEventListener("click", () => choose(mark));
    }
    for (const { mark } of machine.arrows) {
      const found = [...svg.querySelectorAll(`.${CSS.escape(mark)}`)];
      this.#arrows.set(mark, {
        groups: found.filter((group) => group instanceof SVGElement),
        text: undefined,
      });
    }
  }

  /** @param {(mark: string) => number} countOf @param {number} total @param {string | undefined} chosen */
  show(countOf, total, chosen) {
    this.#place();
    for (const [mark, { group, badge }] of this.#states) {
      const present = countOf(mark);
      badge?.show(count(present), present === 0);
      const share = String(total > 0 ? Math.round((present / total) * 100) : 0);
      if (group.style.getPropertyValue("--share") !== share) group.style.setProperty("--share", share);
      group.classList.toggle("chosen", mark === chosen);
    }
  }

  /** @param {string} mark @param {number} added */
  pulse(mark, added) {
    const text = `+${count(added)}`;
    const state = this.#states.get(mark);
    if (state) {
      pulse(state.group);
      state.badge?.pulse(text);
    }
    const arrow = this.#arrows.get(mark);
    if (!arrow) return;
    for (const group of arrow.groups) pulse(group);
    if (!arrow.text) return;
    arrow.text.textContent = text;
    pulse(arrow.text);
  }

  /** Adds badges and texts on the first call. Positions are known only once the picture is in the page. */
  #place() {
    if (this.#isPlaced) return;
    this.#isPlaced = true;
    const layer = this.svg.querySelector("g.graph") ?? this.svg;
    const places = [...this.#states.values()].map((state) => ({ state, box: boxOf(state.group) }));
    const middles = [...this.#arrows.values()].map((arrow) => ({ arrow, middle: middleOf(arrow.groups) }));
    for (const { state, box } of places) state.badge = new Badge(layer, box.x + box.width, box.y);
    for (const { arrow, middle } of middles) {
      if (!middle) continue;
      arrow.text = createText("moved way", middle.x - 4, middle.y + 4);
      layer.append(arrow.text);
    }
  }
}

/** Two numbers at the upper right corner of a state: the actors in the state, and those that just entered. */
class Badge {
  #text = createText("", 0, 3.8);
  #added = createText("moved", 0, -11);
  #plate = createSvg("rect", { height: 15, y: -7.5, rx: 7.5 });
  #group;

  /** @param {Element} layer @param {number} x @param {number} y */
  constructor(layer, x, y) {
    const size = createSvg("g", { class: "size" }, this.#plate, this.#text, this.#added);
    this.#group = createSvg("g", { class: "badge", transform: `translate(${x - 1} ${y - 4})` }, size);
    layer.append(this.#group);
  }

  /** @param {string} text @param {boolean} isQuiet */
  show(text, isQuiet) {
    if (this.#text.textContent === text) return;
    const width = 9 + text.length * 6.1;
    this.#text.textContent = text;
    this.#plate.setAttribute("width", String(width));
    this.#plate.setAttribute("x", String(-width / 2));
    this.#group.classList.toggle("none", isQuiet);
  }

  /** @param {string} text */
  pulse(text) {
    this.#added.textContent = text;
    pulse(this.#added);
  }
}

/** Restarts an animation: switches between two equal animations. @param {HTMLElement | SVGElement} element */
export function pulse(element) {
  element.dataset.pulse = element.dataset.pulse === "a" ? "b" : "a";
}

/** @param {string} className @param {number} x @param {number} y */
const createText = (className, x, y) =>
  createSvg("text", { class: className, x, y, "text-anchor": "middle" });

/**
 * @template {keyof SVGElementTagNameMap} Tag
 * @param {Tag} tag
 * @param {Readonly<Record<string, string | number>>} attributes
 * @param {...Node} children
 */
function createSvg(tag, attributes, ...children) {
  const element = document.createElementNS(namespace, tag);
  for (const [name, value] of Object.entries(attributes)) element.setAttribute(name, String(value));
  element.append(...children);
  return element;
}

/** @param {SVGElement} group */
function boxOf(group) {
  return group instanceof SVGGraphicsElement ? group.getBBox() : new DOMRect();
}

/** @param {readonly SVGElement[]} groups */
function middleOf(groups) {
  const path = groups[0]?.querySelector("path");
  return path?.getPointAtLength(path.getTotalLength() / 2);
}

/** @param {Element} root */
function clean(root) {
  for (const element of [root, ...root.querySelectorAll("*")]) {
    if (element.namespaceURI !== namespace || !allowed.has(element.localName)) element.remove();
    for (const { name } of [...element.attributes])
      if (/^(on|style$|href$|xlink:|id$)/i.test(name)) element.removeAttribute(name);
  }
}
