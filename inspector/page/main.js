import { createActor } from "./actor.js";
import { createActors } from "./actors.js";
import { connect } from "./client.js";
import { create, createName, find, setAttribute, write } from "./dom.js";
import { createFailures } from "./failures.js";
import { createFigures } from "./figures.js";
import { count, moment } from "./format.js";
import { createLayers } from "./layers.js";
import { createLive } from "./live.js";
import { createMachines } from "./machines.js";
import { createNamed } from "./named.js";
import { hashOf, pageSize, placeOf, readPlace } from "./place.js";

/** @import { ConsumerFacts, Hello, History, List, ListRequest, Machines } from "../protocol.ts" */
/** @import { NamedReport, NamedRequest } from "../protocol.ts" */
/** @import { PageReport, PageRequest, Tick, TransitionCount } from "../protocol.ts" */
/** @import { RawClient } from "./client.js" */
/** @import { Place, View } from "./place.js" */

/** Whether the machines fit beside another view. The width must be the same as in style.css. */
const isWide = matchMedia("(min-width: 75rem)");

/** The maximum number of history reports kept while the page is hidden. The page shows 500 entries. */
const maxHistories = 500;

const byId = (/** @type {string} */ id) => find(document, `#${id}`, HTMLElement);
const section = {
  machines: byId("machines"),
  actors: byId("actors"),
  actor: byId("actor"),
  named: byId("named"),
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
/** The transitions that are not drawn yet. @type {TransitionCount[]} */
let transitions = [];
/** @type {List | undefined} */
let list;
/** @type {NamedReport | undefined} */
let named;
/** The history reports that are not drawn yet. @type {History[]} */
let histories = [];
let payloads = false;
/** The last request of each kind on this connection. @type {Map<string, string>} */
const requested = new Map();
let isDrawing = false;
/** Called after the next draw to set the focus. @type {(() => void) | undefined} */
let focusAfter;

/** @type {RawClient | undefined} */
let client;
const live = createLive(byId("live"), open);
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
    onAddress();
  },
  (pages) => go({ ...place, view: "actors", offset: Math.max(0, place.offset + pages * pageSize) }),
);
const actorView = createActor(section.actor, (shown) => {
  payloads = shown;
  requestVisible();
});
const namedView = createNamed(section.named, (change) => go({ ...place, ...change }));
const layersView = createLayers(section.layers);
const failuresView = createFailures(section.failures);

/** Connects to the page's own address, instead of the connection before. */
function open() {
  void client?.close();
  const opened = connect({ url: window.location.pathname + window.location.search });
  client = opened;
  opened.on("json", (report) => {
    onReport(/** @type {PageReport} */ (report));
    drawSoon();
  });
  const onStatus = () => {
    if (client !== opened) return;
    live.show(opened.status);
    requested.clear();
    requestVisible();
  };
  opened.onStatus(onStatus);
  onStatus();
}

/** @param {PageReport} report */
function onReport(report) {
  switch (report.type) {
    case "hello":
      machines.clear(); // the server may be a new process with other consumers
      hello = report;
      showNode(report);
      break;
    case "consumers":
      consumers = new Map(report.consumers.map((facts) => [facts.id, facts]));
      requestVisible();
      break;
    case "machines":
      machines.set(report.consumer, report);
      break;
    case "tick":
      figures.add(report);
      transitions = document.hidden ? [] : [...transitions, ...report.transitions];
      tick = report;
      requestVisible();
      break;
    case "list":
      if (isCurrent(report)) list = report;
      break;
    case "named":
      if (JSON.stringify(report.request) === JSON.stringify(namedRequest())) named = report;
      break;
    case "history":
      histories.push(report);
      if (histories.length > maxHistories) histories = histories.slice(-maxHistories);
      break;
    case "refused":
      showRefusal(report.reason);
      break;
  }
}

/** Shows why the server rejected a request. @param {string} reason if empty, hides the text */
function showRefusal(reason) {
  const element = byId("refusal");
  element.hidden = reason === "";
  write(element, reason);
}

/** @param {Hello} facts */
function showNode({ greenroom, node, nodeVersion, startedAt }) {
  document.title = `${node} – Greenroom inspector`;
  byId("node").replaceChildren(
    create("b", "", createName(node)),
    ` since ${moment(startedAt)}, Greenroom ${greenroom}, Node ${nodeVersion.replace(/^v/, "")}`,
  );
}

function shownConsumer() {
  if (place.shown !== undefined && consumers.has(place.shown)) return place.shown;
  return consumers.keys().next().value;
}

function visibleSections() {
  const { view, actor } = place;
  const isActors = view === "actors" || (view === "machines" && isWide.matches);
  return {
    machines: view === "machines" || isWide.matches,
    actors: isActors && actor === undefined,
    actor: isActors && actor !== undefined,
    named: view === "named",
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
    limit: visibleSections().actors ? pageSize : 0,
  };
}

/** Whether `answer` is for the current request. The order of keys is always the same. @param {List} answer */
const isCurrent = (answer) => JSON.stringify(answer.request) === JSON.stringify(listRequest());

function shownKind() {
  const kinds = tick?.named ?? [];
  return (kinds.find(({ kind }) => kind === place.kind) ?? kinds[0])?.kind;
}

/** @returns {NamedRequest} */
function namedRequest() {
  const kind = shownKind();
  const { after, key, partition } = place;
  if (!visibleSections().named || kind === undefined) return { type: "named" };
  return {
    type: "named",
    kind,
    ...(after !== undefined && { after }),
    ...(key !== undefined && { key }),
    ...(partition !== undefined && { partition }),
  };
}

/** Requests the data that the visible sections need, unless it was requested already. */
function requestVisible() {
  const { consumer, actor } = place;
  requestOnce("list", listRequest());
  requestOnce("named", namedRequest());
  for (const id of [shownConsumer(), consumer])
    if (id !== undefined && consumers.has(id) && !machines.has(id))
      requestOnce(`machines ${id}`, { type: "machines", consumer: id });
  if (hello?.payloads) requestOnce("payloads", { type: "payloads", shown: payloads });
  requestOnce("open", { type: "open", ...(visibleSections().actor && actor !== undefined && { actor }) });
}

/**
 * Sends a request unless the connection has it. Without a connection, the next one gets all requests.
 *
 * @param {string} kind @param {PageRequest} request
 */
function requestOnce(kind, request) {
  const text = JSON.stringify(request);
  if (requested.get(kind) === text || client?.status.state !== "joined") return;
  requested.set(kind, text);
  client.send(text).catch(() => {});
}

/** @param {Place} to */
function go(to) {
  window.location.hash = hashOf(to);
}

function onAddress() {
  const before = place;
  place = readPlace(window.location.hash);
  showRefusal("");
  if (place.actor !== before.actor) {
    payloads = false;
    histories = [];
    actorView.open(place.actor);
    const left = before.actor;
    if (visibleSections().actor) focusAfter = () => actorView.focus();
    else if (left !== undefined && visibleSections().actors) focusAfter = () => actorsView.focus(left);
  }
  requestVisible();
  drawSoon();
}

/** Draws at most once per frame, and never while the page is hidden. */
function drawSoon() {
  if (isDrawing) return;
  isDrawing = true;
  requestAnimationFrame(() => {
    isDrawing = false;
    draw();
  });
}

function draw() {
  const visible = visibleSections();
  for (const [name, element] of Object.entries(section))
    element.hidden = !visible[/** @type {keyof typeof section} */ (name)];
  drawViews(visible);
  if (tick) figures.draw(tick);
  if (visible.machines) {
    const id = shownConsumer();
    const known = id === undefined ? undefined : machines.get(id);
    machinesView.draw({ consumers, shown: id, machines: known, tick, transitions, place });
  }
  transitions = [];
  const isAnswer = list !== undefined && isCurrent(list);
  if (visible.actors) actorsView.draw({ consumers, machines, list, isAnswer, place });
  if (visible.actor) actorView.draw({ histories, consumers, hasPayloads: hello?.payloads ?? false, place });
  histories = [];
  const kind = shownKind();
  const report = named?.request.kind === kind ? named : undefined;
  if (visible.named) namedView.draw({ kinds: tick?.named ?? [], kind, report, place });
  if (visible.layers) layersView.draw(tick?.layers ?? []);
  if (visible.failures) failuresView.draw({ failures: tick?.failures ?? [], consumers, place });
  focusAfter?.();
  focusAfter = undefined;
}

const viewLinks = [...document.querySelectorAll("nav.views a")].filter(
  (link) => link instanceof HTMLAnchorElement,
);

/** @param {ReturnType<typeof visibleSections>} visible */
function drawViews(visible) {
  const ill = tick?.layers.filter(({ health }) => !health.ok).length ?? 0;
  /** @type {Record<string, string>} */
  const notes = {
    machines: count(consumers.size),
    actors: tick ? count(tick.figures.actors) : "",
    named: tick ? count(tick.named.length) : "",
    layers: ill > 0 ? `${count(ill)} unhealthy` : tick ? count(tick.layers.length) : "",
    failures: tick ? count(tick.failures.length) : "",
  };
  for (const link of viewLinks) {
    const view = /** @type {View} */ (link.dataset.view);
    const isOpen = view === "actors" ? visible.actors || visible.actor : view === place.view;
    setAttribute(link, "href", hashOf({ ...place, view, actor: undefined }));
    setAttribute(link, "aria-current", isOpen ? "page" : null);
    write(find(link, "[data-note]", HTMLElement), notes[view] ?? "");
    link.classList.toggle("ill", view === "layers" && ill > 0);
  }
}

find(document, ".skip", HTMLAnchorElement).addEventListener("click", (event) => {
  event.preventDefault(); // the link would replace the fragment, which holds the place in the page
  byId("board").focus();
});
window.addEventListener("hashchange", onAddress);
isWide.addEventListener("change", onAddress);
actorView.open(place.actor);
drawSoon();
open();
