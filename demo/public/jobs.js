import { find } from "./dom.js";
import { connect, MayHaveBeenTaken } from "./greenroom-client.js";
import { createJobCard } from "./job-card.js";
import { forgetJob, keepJob, keptJobs } from "./kept-jobs.js";
import { createPanel } from "./panel.js";

/** The pause before a job whose state was unavailable is watched again, in milliseconds. */
const retryAfterMs = 2_000;

const answerLost = "The connection was lost before the server's answer. The job may be done or not.";

/** @import { RawClient } from "./greenroom-client.js" */
/** @typedef {import("./job-card.js").Job & { card: ReturnType<typeof createJobCard> }} ShownJob */

/**
 * A frame of the server.
 *
 * @typedef {{ status: "connected", message: string }
 *   | { status: "queuing", message: string }
 *   | { status: "error", message: string }
 *   | { status: "queued", job_id: string }
 *   | { status?: undefined, type: "job_progress", job_id: string, percent: number }
 *   | { status?: undefined, type: "job_result", job_id: string, message: string }} News
 */

/**
 * Background Jobs: submits jobs, and shows their progress and results. A job continues if the page is closed.
 * After a reload, the page watches its unfinished jobs again.
 *
 * @param {HTMLElement} element
 */
export function createJobs(element) {
  const kind = find(element, "#jobs-kind", HTMLSelectElement);
  /** The cards of the queued and unfinished jobs, by id. @type {Map<string, ShownJob["card"]>} */
  const queued = new Map();
  /** The jobs that the server has not answered yet, in the order sent. @type {ShownJob[]} */
  const sent = [];

  /** @type {RawClient | undefined} */
  let client;

  const panel = createPanel(element, {
    open() {
      client = connect({ url: "/ws/backgroundjob" });
      client.on("json", (news) => {
        const line = receive(/** @type {News} */ (news));
        if (line) panel.messages.add(line);
      });
      return client;
    },
    place: () => "the background jobs",
    say: (content, client) => submit({ kind: kind.value, content }, client),
    changed(state) {
      if (state === "joined") watchAgain();
      else if (state === "away" || state === "closed") waitForConnection();
    },
  });

  for (const { id, ...job } of keptJobs()) {
    const card = show(job);
    card.waitForConnection();
    queued.set(id, card);
  }
  if (queued.size > 0) panel.connectInView();

  /**
   * The server answers a job before it acknowledges the job's frame. So if no answer has come by then, it is lost.
   *
   * @param {import("./job-card.js").Job} job
   * @param {RawClient} client
   */
  async function submit({ kind, content }, client) {
    const job = { kind, content, card: show({ kind, content }) };
    sent.push(job);
    let why = answerLost;
    try {
      await client.sendJson({ type: kind, content });
    } catch (error) {
      if (!(error instanceof MayHaveBeenTaken)) why = "The job was not sent.";
    }
    const index = sent.indexOf(job);
    if (index < 0) return;
    sent.splice(index, 1);
    job.card.failed(why);
    panel.messages.grown();
  }

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
  function receive(news) {
    if (news.status === "connected") return { text: news.message, kind: "notice" };
    if (news.status === "error") return refuse(news.message);
    if (news.status === "queuing") return undefined;
    if (news.status === "queued") accept(news.job_id);
    else if (news.type === "job_progress") queued.get(news.job_id)?.progress(news.percent);
    else if (news.type === "job_result") end(news.job_id, (card) => finish(card, news.message));
    return undefined;
  }

  /** @param {string} id */
  function accept(id) {
    const job = sent.shift();
    if (!job) return;
    const { card, kind, content } = job;
    queued.set(id, card);
    keepJob({ id, kind, content });
    card.progress(0);
  }

  /**
   * @param {string} id
   * @param {(card: ShownJob["card"]) => void} show
   */
  function end(id, show) {
    const card = queued.get(id);
    if (!card) return;
    queued.delete(id);
    forgetJob(id);
    show(card);
    panel.messages.grown();
  }

  /**
   * Shows a refusal. The server answers in order. Therefore a refusal that names no queued job is for the
   * first job that the server has not answered yet.
   *
   * @param {string} why
   * @returns {import("./message-list.js").Line | undefined}
   */
  function refuse(why) {
    const named = [...queued.keys()].find((id) => why.includes(id));
    if (named && why.endsWith("Watch it again in a moment.")) watchLater(named);
    else if (named) end(named, (card) => card.failed(why));
    else if (sent.length === 0) return { text: why, kind: "refusal" };
    else sent.shift()?.card.failed(why);
    panel.messages.grown();
    return undefined;
  }

  function watchAgain() {
    for (const id of queued.keys()) watch(id);
  }

  /** @param {string} id */
  function watchLater(id) {
    queued.get(id)?.waitForConnection();
    setTimeout(() => queued.has(id) && watch(id), retryAfterMs);
  }

  /** @param {string} id */
  function watch(id) {
    // All jobs are watched again once the connection is joined.
    if (client?.status.state === "joined") client.sendJson({ type: "watch", job_id: id }).catch(() => {});
  }

  function waitForConnection() {
    for (const card of queued.values()) card.waitForConnection();
  }
}

/**
 * Shows the final message of a job.
 *
 * @param {ShownJob["card"]} card
 * @param {string} message
 */
function finish(card, message) {
  if (message.startsWith("❌")) card.failed(message);
  else card.done(message);
}
