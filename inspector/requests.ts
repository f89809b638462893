import type { ListRequest, MachineKind, NamedRequest, PageRequest, SortKey } from "./protocol.ts";

const sorts: readonly SortKey[] = ["oldest", "newest", "mailbox", "waiting", "error"];
const kinds: readonly MachineKind[] = ["connection", "own"];
const maxRows = 200;
const maxPartition = 4_095;
const longestText = 500;

/** A page's request is malformed. The page shows the error's message. */
export class InvalidRequestError extends Error {}

/** Parses a page's request from a JSON value. @throws {InvalidRequestError} if the value is not a request */
export function readRequest(value: unknown): PageRequest {
  const given = record(value, "A request");
  switch (given.type) {
    case "list":
      return readList(given);
    case "machines":
      return { type: "machines", consumer: text(given.consumer, "consumer") };
    case "named":
      return readNamed(given);
    case "open":
      return { type: "open", ...(given.actor !== undefined && { actor: text(given.actor, "actor") }) };
    case "payloads":
      return { type: "payloads", shown: given.shown === true };
    default:
      throw new InvalidRequestError(
        'The type of a request must be "list", "machines", "named", "open" or "payloads".',
      );
  }
}

function readList({ consumer, state, search, sort, offset, limit }: Record<string, unknown>): ListRequest {
  return {
    type: "list",
    ...(consumer !== undefined && { consumer: text(consumer, "consumer") }),
    ...(state !== undefined && { state: readState(state) }),
    ...(search !== undefined && { search: text(search, "search") }),
    sort: oneOf(sorts, sort, "sort"),
    offset: count(offset, "offset", Number.MAX_SAFE_INTEGER),
    limit: count(limit, "limit", maxRows),
  };
}

function readNamed({ kind, after, key, partition }: Record<string, unknown>): NamedRequest {
  return {
    type: "named",
    ...(kind !== undefined && { kind: text(kind, "kind") }),
    ...(after !== undefined && { after: text(after, "after") }),
    ...(key !== undefined && { key: text(key, "key") }),
    ...(partition !== undefined && { partition: count(partition, "partition", maxPartition) }),
  };
}

function readState(value: unknown): NonNullable<ListRequest["state"]> {
  const { machine, mark } = record(value, "state");
  return { machine: oneOf(kinds, machine, "state.machine"), mark: text(mark, "state.mark") };
}

function record(value: unknown, name: string): Record<string, unknown> {
  if (typeof value === "object" && value !== null) return value as Record<string, unknown>;
  throw new InvalidRequestError(`${name} must be an object.`);
}

function text(value: unknown, name: string): string {
  if (typeof value === "string" && value.length <= longestText) return value;
  throw new InvalidRequestError(`"${name}" must be a string of at most ${longestText} characters.`);
}

/** Checks an integer. Unlike the error of `checkInteger`, this error omits the value, which may be huge. */
function count(value: unknown, name: string, max: number): number {
  if (Number.isInteger(value) && (value as number) >= 0 && (value as number) <= max) return value as number;
  throw new InvalidRequestError(`"${name}" must be an integer from 0 to ${max}.`);
}

function oneOf<T extends string>(values: readonly T[], value: unknown, name: string): T {
  const found = values.find((known) => known === value);
  if (found !== undefined) return found;
  throw new InvalidRequestError(`"${name}" must be one of ${values.join(", ")}.`);
}
