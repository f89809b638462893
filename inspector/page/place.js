/** @import { MachineKind, SortKey } from "../protocol.ts" */

/** @typedef {typeof views[number]} View */

/**
 * The view, the filters and the open actor. The address of the page contains them, so that the back button,
 * reloads and links work.
 *
 * @typedef {object} Place
 * @property {View} view
 * @property {string | undefined} shown the consumer whose machines are shown; by default the first consumer
 * @property {string | undefined} consumer the list has only actors of this consumer
 * @property {{ machine: MachineKind, mark: string } | undefined} state the list has only actors in this state
 * @property {string} search
 * @property {SortKey} sort
 * @property {number} offset
 * @property {string | undefined} actor the open actor
 * @property {string | undefined} kind the shown kind of named actors; by default the first one
 * @property {string | undefined} after the list has only named actors after this key
 * @property {string | undefined} key the open named actor
 * @property {number | undefined} partition the open partition
 */

/** The number of actors on a page of the list. */
export const pageSize = 50;

/** The maximum number of characters of a text in a request. The server rejects longer texts. */
const longestText = 500;

const views = /** @type {const} */ (["machines", "actors", "named", "layers", "failures"]);
/** @type {readonly SortKey[]} */
const sorts = ["newest", "oldest", "mailbox", "waiting", "error"];

/** @param {string} hash any text @returns {Place} */
export function readPlace(hash) {
  const fields = new URLSearchParams(hash.replace(/^#/, ""));
  const text = (/** @type {string} */ name) => fields.get(name)?.slice(0, longestText);
  const consumer = text("consumer");
  const [, machine, mark] = fields.get("state")?.match(/^(connection|own)\.(.{1,100})$/s) ?? [];
  const partition = Number(fields.get("partition") ?? Number.NaN);
  const page = Number(fields.get("page") ?? 1);
  return {
    view: views.find((view) => view === fields.get("view")) ?? "machines",
    shown: text("shown"),
    consumer,
    state:
      consumer !== undefined && (machine === "connection" || machine === "own") && mark
        ? { machine, mark }
        : undefined,
    search: text("search") ?? "",
    sort: sorts.find((sort) => sort === fields.get("sort")) ?? "newest",
    offset: Number.isSafeInteger(page) && page > 0 ? (page - 1) * pageSize : 0,
    actor: text("actor") || undefined,
    kind: text("kind") || undefined,
    after: text("after") || undefined,
    key: text("key") || undefined,
    partition: partition >= 0 && partition < 4_096 && Number.isInteger(partition) ? partition : undefined,
  };
}

/** The inverse of {@link readPlace}. @param {Place} place */
export function hashOf(place) {
  const { view, shown, consumer, state, search, sort, offset, actor, partition } = place;
  const fields = new URLSearchParams({ view });
  if (shown !== undefined) fields.set("shown", shown);
  if (consumer !== undefined) fields.set("consumer", consumer);
  if (state) fields.set("state", `${state.machine}.${state.mark}`);
  if (search) fields.set("search", search);
  if (sort !== "newest") fields.set("sort", sort);
  if (offset > 0) fields.set("page", String(offset / pageSize + 1));
  if (actor !== undefined) fields.set("actor", actor);
  for (const name of /** @type {const} */ (["kind", "after", "key"]))
    if (place[name] !== undefined) fields.set(name, place[name]);
  if (partition !== undefined) fields.set("partition", String(partition));
  return `#${fields}`;
}

/** A place listing a consumer's actors. @param {Place} place @param {string} consumer @returns {Place} */
export function placeOf(place, consumer) {
  return { ...place, shown: consumer, consumer, state: undefined, offset: 0, actor: undefined };
}
