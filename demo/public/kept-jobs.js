/** @typedef {import("./job-card.js").Job & { id: string }} KeptJob */

const key = "greenroom.jobs";
const most = 50;

/** Reads the unfinished jobs from the browser's storage. @returns {KeptJob[]} */
export function keptJobs() {
  try {
    const jobs = JSON.parse(localStorage.getItem(key) ?? "[]");
    return Array.isArray(jobs) ? jobs.filter(isJob) : [];
  } catch {
    return []; // storage is forbidden, or contains other data
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
    // Storage is full or forbidden: the jobs are lost with the page.
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
