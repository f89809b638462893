// Formats numbers and times as short texts of a stable width. Times use the 24-hour clock.

const whole = new Intl.NumberFormat("en", { maximumFractionDigits: 0 });
const fine = new Intl.NumberFormat("en", { maximumFractionDigits: 1 });
const byteUnits = ["B", "KiB", "MiB", "GiB", "TiB"];

/** @param {number} value */
export const count = (value) => whole.format(value);

/** Values below 10 have one decimal. @param {number} perSecond */
export const rate = (perSecond) => (perSecond < 10 ? fine : whole).format(perSecond);

/** @param {number} value */
export function bytes(value) {
  let rest = value;
  let unit = 0;
  while (rest >= 1024 && unit < byteUnits.length - 1) {
    rest /= 1024;
    unit++;
  }
  return `${(rest < 10 && unit > 0 ? fine : whole).format(rest)} ${byteUnits[unit]}`;
}

/** @param {number} ms */
export const milliseconds = (ms) => `${rate(ms)} ms`;

/** Formats a duration in its two largest units. @param {number} ms */
export function duration(ms) {
  const seconds = Math.max(0, Math.floor(ms / 1000));
  if (seconds < 60) return `${seconds} s`;
  const minutes = Math.floor(seconds / 60);
  if (minutes < 60) return `${minutes} min ${seconds % 60} s`;
  const hours = Math.floor(minutes / 60);
  if (hours < 24) return `${hours} h ${minutes % 60} min`;
  return `${count(Math.floor(hours / 24))} d ${hours % 24} h`;
}

/** Formats a duration in its largest unit. @param {number} ms */
export function age(ms) {
  const seconds = Math.max(0, ms / 1000);
  if (seconds < 60) return `${Math.floor(seconds)} s`;
  if (seconds < 3600) return `${Math.floor(seconds / 60)} min`;
  if (seconds < 86_400) return `${fine.format(seconds / 3600)} h`;
  return `${fine.format(seconds / 86_400)} d`;
}

/** Formats the time between two entries of a history. @param {number} ms */
export function distance(ms) {
  if (ms < 9.95) return `+${ms.toFixed(1)} ms`;
  if (ms < 999.5) return `+${Math.round(ms)} ms`;
  return ms < 60_000 ? `+${(ms / 1000).toFixed(1)} s` : `+${duration(ms)}`;
}

/** @param {number} at milliseconds since 1970 */
export function timeOfDay(at) {
  const date = new Date(at);
  return [date.getHours(), date.getMinutes(), date.getSeconds()].map((part) => pad(part, 2)).join(":");
}

/** @param {number} at milliseconds since 1970 */
export function preciseTime(at) {
  return `${timeOfDay(at)}.${pad(new Date(at).getMilliseconds(), 3)}`;
}

/** Formats a time. Adds the day if it is not today. @param {number} at milliseconds since 1970 */
export function moment(at) {
  const date = new Date(at);
  if (date.toDateString() === new Date().toDateString()) return timeOfDay(at);
  return `${date.getFullYear()}-${pad(date.getMonth() + 1, 2)}-${pad(date.getDate(), 2)} ${timeOfDay(at)}`;
}

/** @param {number} value @param {number} digits */
const pad = (value, digits) => String(value).padStart(digits, "0");
