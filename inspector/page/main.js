import { createActor } from "./actor.js";
import { createActors } from "./actors.js";
import { Connection } from "./connection.js";
import { create, createName, find, write } from "./dom.js";
import { createFailures } from "./failures.js";
import { createFigures } from "./figures.js";
import { count, moment } from "./format.js";
import { createLayers } from "./layers.js";
import { createLive } from "./live.js";
import { createMachines } from "./machines.js";
import { hashOf, pageSize, readPlace } from "./place.js";

/** @import { ConsumerFacts, Hello, History, List, ListRequest, Machines, TransitionCount, PageReport, Tick } from "../protocol.ts" */
/** @typedef {import("./place.js").Place} Place */

/** Where there is room, the consumers are beside what else is shown. The same as in style.css. */
const isWide = matchMedia("(min-width: 75rem)");

/** More than this has no place in the page; it is kept for what comes while the page is hidden. */
const mostHistories = 500;

const section = {
  machines: find(document, "#machines", HTMLElement),
  actors: find(document, "#actors", HTMLElement),
  actor: find(document, "#actor", HTMLElement),
  layers: find(document, "#layers", HTMLElement),
  failures: find(document, "#failures", HTMLElement),
};

let place = readPlace(window.location.hash);
/** @type {Hello | undefined} */
let hello;
/** @type {Map<string, ConsumerFacts>} */
let consumers = new Map();
/** @type {Map<string, Machines>} */
const machines = new Map();
/** @type {Tick | undefined} */
let tick;
/** The transitions since they were last drawn. @type {TransitionCount[]} */
let transitions = [];
/** @type {List | undefined} */
let list;
/** Not drawn yet. @type {History[]} */
let histories = [];
let payloads = false;
/** What the server was asked for last, by type, on this connection. @type {Map<string, string>} */
const asked = new Map();
let isDrawing = false;
/** Who gets the focus when it is drawn. @type {(() => void) | undefined} */
let focusAfter;

const connection = new Connection({
  change(status) {
    live.show(status);
    asked.clear();
    if (status.state === "live") ask();
  },
  hear(report) {
    hear(report);
    drawSoon();
  },
});
const live = createLive(find(document, "#live", HTMLElement), () => connection.open());
const figures = createFigures(find(document, "header.wall", HTMLElement));
const machinesView = createMachines(section.machines, (consumer, { kind, mark }) => {
  const { state } = place;
  const isSame = place.consumer === consumer && state?.machine === kind && state.mark === mark;
  go({
    ...place,
    view: "actors",
    shown: consumer,
    consumer,
    state: isSame ? undefined : { machine: kind, mark },
    offset: 0,
    actor: undefined,
  });
});
const actorsView = createActors(
  section.actors,
  (change) => {
    history.replaceState(null, "", hashOf({ ...place, ...change, view: "actors" }));
    arrive();
  },
  (pages) => go({ ...place, view: "actors", offset: Math.max(0, place.offset + pages * pageSize) }),
);
const actorView = createActor(section.actor, (shown) => {
  payloads = shown;
  ask();
});
const layersView = createLayers(section.layers);
const failuresView = createFailures(section.failures);

/** @param {PageReport} report */
function hear(report) {
  switch (report.type) {
    case "hello":
      machines.clear(); // it may be another process, with other consumers
      hello = report;
      greet(report);
      break;
    case "consumers":
      consumers = new Map(report.consumers.map((facts) => [facts.id, facts]));
      ask();
      break;
    case "machines":
      machines.set(report.consumer, report);
      break;
    case "tick":
      figures.hear(report);
      transitions = document.hidden ? [] : [...transitions, ...report.transitions];
      tick = report;
      break;
    case "list":
      if (isSame(report.request, listRequest())) list = report;
      break;
    case "history":
      histories.push(report);
      if (histories.length > mostHistories) histories = histories.slice(-mostHistories);
      break;
    case "refused":
      refuse(report.reason);
      break;
  }
}

/** @param {string} reason what was asked for cannot be given; nothing if it can */
function refuse(reason) {
  const element = find(document, "#refusal", HTMLElement);
  element.hidden = reason === "";
  write(element, reason);
}

/** @param {Hello} facts */
function greet({ greenroom, node, nodeVersion, startedAt }) {
  document.title = `${node} – Greenroom inspector`;
  find(document, "#node", HTMLElement).replaceChildren(
    create("b", "", createName(node)),
    ` since ${moment(startedAt)}, Greenroom ${greenroom}, Node ${nodeVersion.replace(/^v/, "")}`,
  );
}

/** The consumer whose machines are shown. */
function shown() {
  if (place.shown !== undefined && consumers.has(place.shown)) return place.shown;
  return consumers.keys().next().value;
}

/** Which sections are there to see. */
function visible() {
  const { view, actor } = place;
  const isActors = view === "actors" || (view === "machines" && isWide.matches);
  return {
    machines: view === "machines" || isWide.matches,
    actors: isActors && actor === undefined,
    actor: isActors && actor !== undefined,
    layers: view === "layers",
    failures: view === "failures",
  };
}

/** @returns {ListRequest} */
function listRequest() {
  const { consumer, state, search, sort, offset } = place;
  return {
    type: "list",
    ...(consumer === undefined ? {} : { consumer }),
    ...(state ? { state } : {}),
    ...(search ? { search } : {}),
    sort,
    offset,
    limit: visible().actors ? pageSize : 0,
  };
}

/**
 * @param {ListRequest} one
 * @param {ListRequest} other
 */
function isSame(one, other) {
  return (
    one.consumer === other.consumer &&
    one.state?.machine === other.state?.machine &&
    one.state?.mark === other.state?.mark &&
    (one.search ?? "") === (other.search ?? "") &&
    one.sort === other.sort &&
    one.offset === other.offset &&
    one.limit === other.limit
  );
}

/** Asks for what is to be seen now, where that is not what was asked for already. */
function ask() {
  const { actor } = place;
  const wanted = [shown(), place.consumer].filter((id) => id !== undefined && consumers.has(id));
  askOnce("list", listRequest());
  for (const consumer of wanted)
    if (consumer !== undefined && !machines.has(consumer))
      askOnce(`machines ${consumer}`, { type: "machines", consumer });
  const open = visible().actor ? actor : undefined;
  if (hello?.payloads) askOnce("payloads", { type: "payloads", shown: payloads });
  askOnce("open", { type: "open", ...(open === undefined ? {} : { actor: open }) });
}

/**
 * @param {string} what
 * @param {import("../protocol.ts").PageRequest} request
 * @returns {boolean} whether it was asked now
 */
function askOnce(what, request) {
  const text = JSON.stringify(request);
  if (asked.get(what) === text || !connection.send(request)) return false;
  asked.set(what, text);
  return true;
}

/** @param {Place} to */
function go(to) {
  window.location.hash = hashOf(to);
}

/** The address says something else than before. */
function arrive() {
  const before = place;
  place = readPlace(window.location.hash);
  refuse("");
  if (place.actor !== before.actor) {
    payloads = false;
    histories = [];
    actorView.open(place.actor);
    const left = before.actor;
    if (visible().actor) focusAfter = () => actorView.focus();
    else if (left !== undefined && visible().actors) focusAfter = () => actorsView.focus(left);
  }
  ask();
  drawSoon();
}

/** Once a frame, however much comes; never while nobody sees it. */
function drawSoon() {
  if (isDrawing) return;
  isDrawing = true;
  requestAnimationFrame(() => {
    isDrawing = false;
    draw();
  });
}

function draw() {
  const seen = visible();
  for (const [name, element] of Object.entries(section))
    element.hidden = !seen[/** @type {keyof typeof section} */ (name)];
  drawViews(seen);
  if (tick) figures.draw(tick);
  if (seen.machines) {
    const id = shown();
    const known = id === undefined ? undefined : machines.get(id);
    machinesView.draw({ consumers, shown: id, machines: known, tick, transitions, place });
  }
  transitions = [];
  if (seen.actors)
    actorsView.draw({
      consumers,
      machines,
      list,
      isAnswer: list !== undefined && isSame(list.request, listRequest()),
      place,
    });
  if (seen.actor) actorView.draw({ histories, consumers, hasPayloads: hello?.payloads ?? false, place });
  histories = [];
  if (seen.layers) layersView.draw(tick?.layers ?? []);
  if (seen.failures) failuresView.draw({ failures: tick?.failures ?? [], consumers, place });
  focusAfter?.();
  focusAfter = undefined;
}

const viewLinks = [...document.querySelectorAll("nav.views a")].filter(
  (link) => link instanceof HTMLAnchorElement,
);

/** @param {ReturnType<typeof visible>} seen */
function drawViews(seen) {
  const ill = tick?.layers.filter(({ health }) => !health.ok).length ?? 0;
  /** @type {Record<string, string>} */
  const notes = {
    machines: count(consumers.size),
    actors: tick ? count(tick.figures.actors) : "",
    layers: ill > 0 ? `${count(ill)} unhealthy` : tick ? count(tick.layers.length) : "",
    failures: tick ? count(tick.failures.length) : "",
  };
  for (const link of viewLinks) {
    const view = /** @type {import("./place.js").View} */ (link.dataset.view);
    const isCurrent = view === "actors" ? seen.actors || seen.actor : view === place.view;
    const href = hashOf({ ...place, view, actor: undefined });
    if (link.getAttribute("href") !== href) link.href = href;
    if (isCurrent) link.setAttribute("aria-current", "page");
    else link.removeAttribute("aria-current");
    write(find(link, "[data-note]", HTMLElement), notes[view] ?? "");
    link.classList.toggle("ill", view === "layers" && ill > 0);
  }
}

find(document, ".skip", HTMLAnchorElement).addEventListener("click", (event) => {
  event.preventDefault(); // what follows the # is what is chosen
  find(document, "#board", HTMLElement).focus();
});
window.addEventListener("hashchange", arrive);
isWide.addEventListener("change", arrive);
actorView.open(place.actor);
drawSoon();
connection.open();
