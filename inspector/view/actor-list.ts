import type { Observed } from "../../runtime/inspection-hooks.ts";
import { truncate } from "../../runtime/truncate.ts";
import { type ConsumerIndex, type IndexedConsumer, nameOf } from "../activity/consumer-index.ts";
import type { Failures } from "../activity/failures.ts";
import { nodesOf, statesOf } from "../activity/states.ts";
import type { ActorRow, List, ListRequest, SortKey } from "../protocol.ts";

const maxGroups = 20;
const maxTags = 20;
const longestText = 300;

export class ActorList {
  readonly #actors: Iterable<Observed>;
  readonly #consumers: ConsumerIndex;
  readonly #failures: Failures;
  readonly #now: () => number;

  /** @param actors from the oldest to the newest. @param now returns the runtime's time, in milliseconds. */
  constructor(actors: Iterable<Observed>, consumers: ConsumerIndex, failures: Failures, now: () => number) {
    this.#actors = actors;
    this.#consumers = consumers;
    this.#failures = failures;
    this.#now = now;
  }

  list(request: ListRequest): List {
    const found = [...this.#actors].filter(this.#filterOf(request));
    const sorted = this.#sorted(found, request.sort);
    const rows = sorted
      .slice(request.offset, request.offset + request.limit)
      .map((actor) => this.#row(actor));
    return { type: "list", request, matched: found.length, rows };
  }

  find(id: string): ActorRow | undefined {
    for (const actor of this.#actors) if (actor.machine.sessionId === id) return this.#row(actor);
    return undefined;
  }

  #row(actor: Observed): ActorRow {
    const { machine, machineActor, mailbox } = actor;
    const { address, joined } = actor.groups;
    const lastError = this.#failures.lastOf(machine);
    return {
      id: machine.sessionId,
      consumer: this.#consumers.getOrAdd(actor.Consumer).id,
      ...(address !== undefined && { channel: address }),
      path: truncate(actor.scope.path, longestText),
      state: statesOf(machine.getSnapshot()),
      ...(machineActor && { own: truncate(statesOf(machineActor.getSnapshot()), longestText) }),
      groups: joined.slice(0, maxGroups),
      groupCount: joined.length,
      tags: [...actor.tags].slice(0, maxTags),
      mailbox: mailbox.size,
      busy: mailbox.busy,
      waitingBytes: actor.waitingBytes,
      ageMs: Math.max(0, Math.round(this.#now() - actor.since)),
      ...(lastError && { lastError }),
    };
  }

  #filterOf({ consumer, state, search = "" }: ListRequest): (actor: Observed) => boolean {
    const indexed = consumer === undefined ? undefined : this.#consumers.find(consumer);
    const words = search.toLowerCase().split(/\s+/).filter(Boolean);
    return (actor) =>
      (consumer === undefined || actor.Consumer === indexed?.Consumer) &&
      (state === undefined || (indexed !== undefined && isIn(actor, indexed, state))) &&
      (words.length === 0 || this.#hasAll(actor, words));
  }

  #hasAll(
    { groups, tags, Consumer, scope, machineActor, machine }: Observed,
    words: readonly string[],
  ): boolean {
    const texts = [
      machine.sessionId,
      groups.address,
      nameOf(Consumer),
      scope.path,
      statesOf(machine.getSnapshot()),
      machineActor && statesOf(machineActor.getSnapshot()),
      this.#failures.lastOf(machine)?.message,
      ...groups.joined,
      ...tags,
    ];
    // A search word contains no line break. Therefore it cannot match across the end of a text.
    const all = texts.join("\n").toLowerCase();
    return words.every((word) => all.includes(word));
  }

  #sorted(actors: Observed[], sort: SortKey): Observed[] {
    if (sort === "oldest") return actors;
    if (sort === "newest") return actors.reverse();
    const measure: Record<typeof sort, (actor: Observed) => number> = {
      mailbox: ({ mailbox }) => mailbox.size,
      waiting: ({ waitingBytes }) => waitingBytes,
      error: ({ machine }) => this.#failures.lastOf(machine)?.at ?? 0,
    };
    const measured = actors.map((actor) => ({ actor, size: measure[sort](actor) }));
    return measured.sort((one, other) => other.size - one.size).map(({ actor }) => actor);
  }
}

function isIn(
  actor: Observed,
  { machines }: IndexedConsumer,
  { machine, mark }: NonNullable<ListRequest["state"]>,
): boolean {
  const marked = machines.get(machine);
  const running = machine === "connection" ? actor.machine : actor.machineActor;
  return running !== undefined && nodesOf(running).some(({ id }) => marked?.markOfState(id) === mark);
}
