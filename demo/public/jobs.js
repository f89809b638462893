import { find } from "./dom.js";
import { createJobCard } from "./job-card.js";
import { forgetJob, keepJob, keptJobs } from "./kept-jobs.js";
import { createPanel } from "./panel.js";

/** How long a server that cannot reach its layers is left alone, in milliseconds. */
const againAfterMs = 2_000;

/** @typedef {import("./job-card.js").Job & { card: ReturnType<typeof createJobCard> }} ShownJob */

/**
 * What the server says of jobs, and of itself.
 *
 * @typedef {{ status: "connected", message: string }
 *   | { status: "queuing", message: string }
 *   | { status: "error", message: string }
 *   | { status: "queued", job_id: string }
 *   | { status?: undefined, type: "job_progress", job_id: string, percent: number }
 *   | { status?: undefined, type: "job_result", job_id: string, message: string }} News
 */

/**
 * Background Jobs: sends texts to be worked on, and shows what becomes of each. A job goes on without its page, and a page that comes back
 * asks for its jobs.
 *
 * @param {HTMLElement} element
 */
export function createJobs(element) {
  const kind = find(element, "#jobs-kind", HTMLSelectElement);
  /** Those that the server has taken and that are not over, by id. @type {Map<string, ShownJob["card"]>} */
  const taken = new Map();
  /** Those that the server has not answered yet, in the order sent. @type {ShownJob[]} */
  const sent = [];

  const panel = createPanel(element, {
    path: () => "/ws/backgroundjob",
    place: () => "the background jobs",
    read: (text) => hear(JSON.parse(text)),
    say(content, send) {
      const job = { kind: kind.value, content };
      if (!send(JSON.stringify({ type: job.kind, content }))) return false;
      sent.push({ ...job, card: show(job) });
      return true;
    },
    changed(state) {
      if (state === "joined") watchAgain();
      else if (state !== "connecting") lose();
    },
    missesNothing: true,
  });

  for (const { id, ...job } of keptJobs()) {
    const card = show(job);
    card.doubt();
    taken.set(id, card);
  }
  if (taken.size > 0) panel.connect();

  /** @param {import("./job-card.js").Job} job */
  function show(job) {
    const card = createJobCard(job);
    panel.messages.append(card.element);
    return card;
  }

  /**
   * @param {News} news
   * @returns {import("./message-list.js").Line | undefined}
   */
  function hear(news) {
    if (news.status === "connected") return { text: news.message, kind: "notice" };
    if (news.status === "error") return refuse(news.message);
    if (news.status === "queuing") return undefined;
    if (news.status === "queued") take(news.job_id);
    else if (news.type === "job_progress") taken.get(news.job_id)?.progress(news.percent);
    else if (news.type === "job_result") end(news.job_id, (card) => finish(card, news.message));
    return undefined;
  }

  /** @param {string} id */
  function take(id) {
    const job = sent.shift();
    if (!job) return;
    const { card, kind, content } = job;
    taken.set(id, card);
    keepJob({ id, kind, content });
    card.progress(0);
  }

  /**
   * @param {string} id
   * @param {(card: ShownJob["card"]) => void} show
   */
  function end(id, show) {
    const card = taken.get(id);
    if (!card) return;
    taken.delete(id);
    forgetJob(id);
    show(card);
    panel.messages.grown();
  }

  /**
   * The server answers in order: a no that names none of our jobs is for the first that has no answer.
   *
   * @param {string} why
   * @returns {import("./message-list.js").Line | undefined}
   */
  function refuse(why) {
    const named = [...taken.keys()].find((id) => why.includes(id));
    if (named && why.endsWith("Watch it in a moment.")) watchLater(named);
    else if (named) end(named, (card) => card.failed(why));
    else if (sent.length === 0) return { text: why, kind: "refusal" };
    else sent.shift()?.card.failed(why);
    panel.messages.grown();
    return undefined;
  }

  function watchAgain() {
    for (const id of taken.keys()) watch(id);
  }

  /** @param {string} id */
  function watchLater(id) {
    taken.get(id)?.doubt();
    setTimeout(() => taken.has(id) && watch(id), againAfterMs);
  }

  /** @param {string} id */
  function watch(id) {
    panel.send(JSON.stringify({ type: "watch", job_id: id }));
  }

  function lose() {
    for (const card of taken.values()) card.doubt();
    for (const { card } of sent.splice(0))
      card.failed("The connection was lost before the server's answer. It may be done or not.");
  }
}

/**
 * The server's last word of a job.
 *
 * @param {ShownJob["card"]} card
 * @param {string} message
 */
function finish(card, message) {
  if (message.startsWith("❌")) card.failed(message);
  else card.done(message);
}
