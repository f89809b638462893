import type { Observed } from "../runtime/inspection-hooks.ts";
import type { RuntimeContext } from "../runtime/runtime-context.ts";
import { oncePerScrape, type Sample } from "./scraped-metric.ts";

/** The states of a connection, without `closed`: a closed connection is not listed any more. */
type State = "connecting" | "online" | "away" | "closing";

interface ConsumerCensus {
  readonly states: Record<State, number>;
  mailboxItems: number;
  longestMailbox: number;
  waitingBytes: number;
}

/** Counts the actors of a runtime: once for each scrape, although several metrics need the counts. */
export class ActorCensus {
  readonly #byConsumer: () => ReadonlyMap<string, ConsumerCensus>;

  constructor(context: Pick<RuntimeContext, "supervisor">) {
    this.#byConsumer = oncePerScrape(() => count(context.supervisor.children));
  }

  states(): Sample[] {
    return this.#rows(({ states }) => Object.entries(states)).flatMap(([consumer, entries]) =>
      entries.map(([state, value]) => ({ labels: { consumer, state }, value })),
    );
  }

  /** The samples of one figure, by consumer. */
  figures(figure: "longestMailbox" | "mailboxItems" | "waitingBytes"): Sample[] {
    return this.#rows((census) => census[figure]).map(([consumer, value]) => ({
      labels: { consumer },
      value,
    }));
  }

  #rows<T>(read: (census: ConsumerCensus) => T): [consumer: string, T][] {
    return [...this.#byConsumer()].map(([consumer, census]) => [consumer, read(census)]);
  }
}

function count(actors: Iterable<Observed>): Map<string, ConsumerCensus> {
  const counts = new Map<string, ConsumerCensus>();
  for (const { Consumer, machine, mailbox, waitingBytes } of actors) {
    const census = counts.get(Consumer.name) ?? nothing();
    counts.set(Consumer.name, census);
    census.states[stateOf(machine.getSnapshot().value)] += 1;
    census.mailboxItems += mailbox.size;
    census.longestMailbox = Math.max(census.longestMailbox, mailbox.size);
    census.waitingBytes += waitingBytes;
  }
  return counts;
}

const nothing = (): ConsumerCensus => ({
  states: { connecting: 0, online: 0, away: 0, closing: 0 },
  mailboxItems: 0,
  longestMailbox: 0,
  waitingBytes: 0,
});

const stateOf = (value: State | { readonly joined: State }): State =>
  typeof value === "string" ? value : value.joined;
