import type { Observed } from "../../runtime/inspection-hooks.ts";
import { type ConsumerIndex, type KnownConsumer, nameOf } from "../activity/consumer-index.ts";
import type { Failures } from "../activity/failures.ts";
import { nodesOf, statesOf } from "../activity/states.ts";
import type { ActorRow, List, ListRequest, SortKey } from "../protocol.ts";
import { rowOf } from "./actor-row.ts";

/** The actors of a node, as those who look ask for them. */
export class ActorList {
  readonly #actors: Iterable<Observed>;
  readonly #consumers: ConsumerIndex;
  readonly #failures: Failures;
  readonly #now: () => number;

  /** @param actors those that may be shown. @param now what time it is by the runtime's clock, in milliseconds. */
  constructor(actors: Iterable<Observed>, consumers: ConsumerIndex, failures: Failures, now: () => number) {
    this.#actors = actors;
    this.#consumers = consumers;
    this.#failures = failures;
    this.#now = now;
  }

  list(request: ListRequest): List {
    const found = [...this.#actors].filter(this.#filterOf(request));
    const sorted = this.#sorted(found, request.sort);
    const rows = sorted.slice(request.offset, request.offset + request.limit).map((actor) => this.row(actor));
    return { type: "list", request, matched: found.length, rows };
  }

  find(id: string): Observed | undefined {
    for (const actor of this.#actors) if (actor.machine.sessionId === id) return actor;
    return undefined;
  }

  row(actor: Observed): ActorRow {
    return rowOf(actor, {
      consumer: this.#consumers.of(actor.Consumer).id,
      lastError: this.#failures.lastOf(actor.machine),
      now: this.#now(),
    });
  }

  #filterOf({ consumer, state, search = "" }: ListRequest): (actor: Observed) => boolean {
    const known = consumer === undefined ? undefined : this.#consumers.find(consumer);
    const words = search.toLowerCase().split(/\s+/).filter(Boolean);
    return (actor) =>
      (consumer === undefined || actor.Consumer === known?.Consumer) &&
      (state === undefined || (known !== undefined && isIn(actor, known, state))) &&
      (words.length === 0 || this.#says(actor, words));
  }

  #says(actor: Observed, words: readonly string[]): boolean {
    const { groups, tags, Consumer, scope, machineActor, machine } = actor;
    const states = [machine, machineActor].map((running) => running && statesOf(running.getSnapshot()));
    const error = this.#failures.lastOf(machine)?.message;
    const texts = [
      machine.sessionId,
      groups.address,
      nameOf(Consumer),
      scope.path,
      ...states,
      error,
      ...groups.joined,
      ...tags,
    ];
    // What nobody types keeps two of them apart.
    const all = texts.join("\n").toLowerCase();
    return words.every((word) => all.includes(word));
  }

  #sorted(actors: Observed[], sort: SortKey): Observed[] {
    // That is the order in which they began.
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

/** Whether an actor of the consumer is in a state of one of its machines. */
function isIn(
  actor: Observed,
  { machines }: KnownConsumer,
  { machine, mark }: NonNullable<ListRequest["state"]>,
): boolean {
  const marked = machines.get(machine);
  const running = machine === "connection" ? actor.machine : actor.machineActor;
  return running !== undefined && nodesOf(running).some(({ id }) => marked?.markOfState(id) === mark);
}
