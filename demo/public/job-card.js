import { find } from "./dom.js";
import { copyTemplate } from "./markup.js";

/** @typedef {{ kind: string, content: string }} Job */

/** The time without progress, in ms, after which the card shows that the job waits for a worker. */
const newsWithinMs = 5_000;

/** Shows one job, its progress and its result. @param {Job} job */
export function createJobCard({ kind, content }) {
  const copy = copyTemplate("job");
  const element = find(copy, ".job", HTMLElement);
  const state = find(copy, ".job-state", HTMLElement);
  const progress = find(copy, "progress", HTMLProgressElement);
  const result = find(copy, ".job-result", HTMLElement);
  find(copy, ".job-kind", HTMLElement).textContent = kind;
  find(copy, ".job-content", HTMLElement).textContent = content;
  progress.ariaLabel = `${kind}: ${content}`;
  let waiting = 0;

  /**
   * @param {"open" | "done" | "failed"} stage
   * @param {string} words
   */
  const show = (stage, words) => {
    clearTimeout(waiting);
    element.dataset.stage = stage;
    state.textContent = words;
  };
  show("open", "sending…");

  return {
    element,

    /** @param {number} exactly the progress in percent, with decimals */
    progress(exactly) {
      const percent = Math.round(exactly);
      show("open", percent === 0 ? "queued" : `${percent} %`);
      progress.value = percent;
      waiting = window.setTimeout(() => {
        state.textContent = percent === 0 ? "waits for a worker" : `${percent} %, waits for a worker`;
      }, newsWithinMs);
    },

    waitForConnection() {
      show("open", "waits for the connection");
    },

    /** @param {string} words */
    done(words) {
      show("done", "done");
      result.textContent = words;
    },

    /** @param {string} why */
    failed(why) {
      show("failed", "not done");
      result.textContent = why;
    },
  };
}
