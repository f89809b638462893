import { createActor } from "./actor.js";
import { createActors } from "./actors.js";
import { Connection } from "./connection.js";
import { create, createName, find, setAttribute, write } from "./dom.js";
import { createFailures } from "./failures.js";
import { createFigures } from "./figures.js";
import { count, moment } from "./format.js";
import { createLayers } from "./layers.js";
import { createLive } from "./live.js";
import { createMachines } from "./machines.js";
import { hashOf, pageSize, placeOf, readPlace } from "./place.js";

/** @import { ConsumerFacts, Hello, History, List, ListRequest, Machines } from "../protocol.ts" */
/** @import { PageReport, PageRequest, Tick, TransitionCount } from "../protocol.ts" */
/** @import { Place, View } from "./place.js" */

/** In a wide window the consumers stay beside the view. The same as in style.css. */
const isWide = matchMedia("(min-width: 75rem)");

/** How many reports are kept while the page is hidden: at least as many entries as it shows. */
const maxHistories = 500;

const byId = (/** @type {string} */ id) => find(document, `#${id}`, HTMLElement);
const section = {
  machines: byId("machines"),
  actors: byId("actors"),
  actor: byId("actor"),
  layers: byId("layers"),
  failures: byId("failures"),
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
/** The last requests on this connection. @type {Map<string, string>} */
const asked = new Map();
let isDrawing = false;
/** Sets the focus after the next drawing. @type {(() => void) | undefined} */
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
const live = createLive(byId("live"), () => connection.open());
const figures = createFigures(find(document, "header.wall", HTMLElement));
const machinesView = createMachines(section.machines, (consumer, { kind, mark }) => {
  const { state } = place;
  const isSame = place.consumer === consumer && state?.machine === kind && state.mark === mark;
  const to = placeOf(place, consumer);
  go({ ...to, view: "actors", state: isSame ? undefined : { machine: kind, mark } });
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
      if (isCurrent(report)) list = report;
      break;
    case "history":
      histories.push(report);
      if (histories.length > maxHistories) histories = histories.slice(-maxHistories);
      break;
    case "refused":
      refuse(report.reason);
      break;
  }
}

/** @param {string} reason empty to hide it */
function refuse(reason) {
  const element = byId("refusal");
  element.hidden = reason === "";
  write(element, reason);
}

/** @param {Hello} facts */
function greet({ greenroom, node, nodeVersion, startedAt }) {
  document.title = `${node} – Greenroom inspector`;
  byId("node").replaceChildren(
    create("b", "", createName(node)),
    ` since ${moment(startedAt)}, Greenroom ${greenroom}, Node ${nodeVersion.replace(/^v/, "")}`,
  );
}

/** The consumer whose machines are shown. */
function shown() {
  if (place.shown !== undefined && consumers.has(place.shown)) return place.shown;
  return consumers.keys().next().value;
}

/** Which sections are visible. */
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
    ...(consumer !== undefined && { consumer }),
    ...(state && { state }),
    ...(search && { search }),
    sort,
    offset,
    limit: visible().actors ? pageSize : 0,
  };
}

/** The server repeats a request with its keys in the order of {@link listRequest}. @param {List} answer */
const isCurrent = (answer) => JSON.stringify(answer.request) === JSON.stringify(listRequest());

/** Asks for what is visible now, unless it was asked for already. */
function ask() {
  const { consumer, actor } = place;
  askOnce("list", listRequest());
  for (const id of [shown(), consumer])
    if (id !== undefined && consumers.has(id) && !machines.has(id))
      askOnce(`machines ${id}`, { type: "machines", consumer: id });
  if (hello?.payloads) askOnce("payloads", { type: "payloads", shown: payloads });
  askOnce("open", { type: "open", ...(visible().actor && actor !== undefined && { actor }) });
}

/** @param {string} what @param {PageRequest} request */
function askOnce(what, request) {
  const text = JSON.stringify(request);
  if (asked.get(what) !== text && connection.send(request)) asked.set(what, text);
}

/** @param {Place} to */
function go(to) {
  window.location.hash = hashOf(to);
}

/** Follows the address. */
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

/** Draws once per frame, however many reports come, and never while the page is hidden. */
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
  const isAnswer = list !== undefined && isCurrent(list);
  if (seen.actors) actorsView.draw({ consumers, machines, list, isAnswer, place });
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
    const view = /** @type {View} */ (link.dataset.view);
    const isOpen = view === "actors" ? seen.actors || seen.actor : view === place.view;
    setAttribute(link, "href", hashOf({ ...place, view, actor: undefined }));
    setAttribute(link, "aria-current", isOpen ? "page" : null);
    write(find(link, "[data-note]", HTMLElement), notes[view] ?? "");
    link.classList.toggle("ill", view === "layers" && ill > 0);
  }
}

find(document, ".skip", HTMLAnchorElement).addEventListener("click", (event) => {
  event.preventDefault(); // what follows the # is what is chosen
  byId("board").focus();
});
window.addEventListener("hashchange", arrive);
isWide.addEventListener("change", arrive);
actorView.open(place.actor);
drawSoon();
connection.open();
