/** @typedef {import("./job-card.js").Job & { id: string }} KeptJob */

const key = "greenroom.jobs";
const most = 50;

/**
 * The jobs that are not over, in the browser's own storage, so that they outlive the page.
 *
 * @returns {KeptJob[]}
 */
export function keptJobs() {
  try {
    const jobs = JSON.parse(localStorage.getItem(key) ?? "[]");
    return Array.isArray(jobs) ? jobs.filter(isJob) : [];
  } catch {
    return []; // storage is forbidden, or holds what is not ours
  }
}

/** @param {KeptJob} job */
export function keepJob(job) {
  write([...keptJobs(), job].slice(-most));
}

/** @param {string} id */
export function forgetJob(id) {
  write(keptJobs().filter((job) => job.id !== id));
}

/** @param {KeptJob[]} jobs */
function write(jobs) {
  try {
    localStorage.setItem(key, JSON.stringify(jobs));
  } catch {
    // Storage is full or forbidden: then the jobs do not outlive the page.
  }
}

/**
 * @param {unknown} value
 * @returns {value is KeptJob}
 */
function isJob(value) {
  if (typeof value !== "object" || value === null) return false;
  const { id, kind, content } = /** @type {Record<string, unknown>} */ (value);
  return [id, kind, content].every((field) => typeof field === "string");
}
