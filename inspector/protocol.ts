import type { MarkedArrow, MarkedState } from "../diagrams/marked-machine.ts";
import type { DropReason, Health, LayerCounters } from "../layers/index.ts";
import type { RuntimeDropReason } from "../runtime/counters.ts";
import type { GroupOperation } from "../runtime/inspection-hooks.ts";

// The protocol between the inspector's page and its server: one JSON object per frame.
// All times are in milliseconds since 1970.

// ---- from the page

/** Answered at once. Lists and open actors are repeated at each {@link Tick} until the next request. */
export type PageRequest = ListRequest | MachinesRequest | OpenRequest | PayloadsRequest;

/** Requests the actors that match all given conditions. */
export interface ListRequest {
  readonly type: "list";
  /** {@link ConsumerFacts.id}. */
  readonly consumer?: string;
  readonly state?: { readonly machine: MachineKind; readonly mark: string };
  /** Words to find in channel, consumer, path, state, groups, tags and last error; case is ignored. */
  readonly search?: string;
  readonly sort: SortKey;
  readonly offset: number;
  /** The most rows to list; 0 is not answered and ends the answers. */
  readonly limit: number;
}

/** `oldest` and `newest` by age; the others in descending order. */
export type SortKey = "oldest" | "newest" | "mailbox" | "waiting" | "error";

/** Requests a consumer's machines with their pictures. Answered once, with {@link Machines}. */
export interface MachinesRequest {
  readonly type: "machines";
  readonly consumer: string;
}

/** Opens the history of an actor; without `actor`, closes the open one. */
export interface OpenRequest {
  readonly type: "open";
  readonly actor?: string;
}

/** Starts or stops recording payloads of the open actor. Ignored unless {@link Hello.payloads}. */
export interface PayloadsRequest {
  readonly type: "payloads";
  readonly shown: boolean;
}

// ---- from the server

export type PageReport = Hello | Consumers | Machines | Tick | List | History | Refused;

/** The first report. */
export interface Hello {
  readonly type: "hello";
  readonly greenroom: string;
  /** The host name and process id. */
  readonly node: string;
  readonly nodeVersion: string;
  readonly startedAt: number;
  /** The shortest interval between two ticks, in milliseconds. */
  readonly tickMs: number;
  /** Whether payloads may be requested. */
  readonly payloads: boolean;
}

/** All consumers with a route or an actor. Sent again when they change. */
export interface Consumers {
  readonly type: "consumers";
  readonly consumers: readonly ConsumerFacts[];
}

export interface ConsumerFacts {
  readonly id: string;
  readonly name: string;
  readonly routes: readonly string[];
  readonly layer?: string;
  /** Whether its actors run their own machine while they are `joined`. */
  readonly hasOwn: boolean;
}

/** The machine of an actor's connection, or the consumer's own. */
export type MachineKind = "connection" | "own";

export interface Machines {
  readonly type: "machines";
  readonly consumer: string;
  readonly machines: readonly MachineFacts[];
}

export interface MachineFacts {
  readonly kind: MachineKind;
  readonly name: string;
  readonly states: readonly MarkedState[];
  readonly arrows: readonly MarkedArrow[];
  /** SVG in which each state and arrow is a group with its mark as a class, or the reason for its absence. */
  readonly picture: { readonly svg: string } | { readonly missing: string };
}

/** The state of the node. Sent every {@link Hello.tickMs}; a page that reads too slowly misses ticks. */
export interface Tick {
  readonly type: "tick";
  readonly at: number;
  readonly figures: Figures;
  readonly layers: readonly LayerReport[];
  /** By {@link ConsumerFacts.id}. */
  readonly stateCounts: Readonly<Record<string, StateCounts>>;
  /** The transitions since the last tick. */
  readonly transitions: readonly TransitionCount[];
  /** The last 20 failures since the inspector was mounted, newest first. */
  readonly failures: readonly Failure[];
}

export interface Figures {
  /** Actors of the inspector's own pages are not counted. */
  readonly actors: number;
  readonly watching: number;
  /** Messages that layers delivered to mailboxes. */
  readonly deliveriesPerSecond: number;
  readonly framesInPerSecond: number;
  readonly framesOutPerSecond: number;
  /** The delay of the event loop in the last tick, in milliseconds: median, 99th percentile and maximum. */
  readonly loopDelay: { readonly p50: number; readonly p99: number; readonly max: number };
  readonly rssBytes: number;
  readonly heapBytes: number;
  /** In cores: 1 is one core fully used. */
  readonly cpu: number;
  /** Upgrades refused since the runtime was created. */
  readonly refused: number;
  readonly dropped: Dropped<RuntimeDropReason>;
}

/** Total drops and current drops per second. A reason that never occurred is absent. */
export type Dropped<Reason extends string> = {
  readonly [reason in Reason]?: { readonly total: number; readonly perSecond: number };
};

export type LayerTotals = Omit<LayerCounters, "dropped">;

export interface LayerReport {
  readonly alias: string;
  readonly kind: string;
  readonly health: Health;
  readonly totals: LayerTotals;
  readonly perSecond: LayerTotals;
  readonly dropped: Dropped<DropReason>;
}

/** The number of a consumer's actors, in all and by the mark of each state. Empty states are absent. */
export interface StateCounts {
  readonly total: number;
  readonly connection: Readonly<Record<string, number>>;
  readonly own: Readonly<Record<string, number>>;
}

/** The mark is that of an arrow, or of a state for transitions without an arrow and for the initial state. */
export interface TransitionCount {
  readonly consumer: string;
  readonly machine: MachineKind;
  readonly mark: string;
  readonly count: number;
}

export interface Failure {
  readonly at: number;
  /** Absent if the failure belongs to no actor. */
  readonly actor?: string;
  readonly consumer?: string;
  readonly path?: string;
  readonly stage: string;
  readonly message: string;
}

export interface List {
  readonly type: "list";
  /** The answered request, with its keys in the order of {@link ListRequest}. */
  readonly request: ListRequest;
  readonly matched: number;
  readonly rows: readonly ActorRow[];
}

export interface ActorRow {
  readonly id: string;
  readonly consumer: string;
  /** Absent until the actor has a channel. */
  readonly channel?: string;
  readonly path: string;
  /** The state of its connection. */
  readonly state: string;
  /** The state of its own machine: `playing.round`; those of parallel regions are joined by `, `. */
  readonly own?: string;
  /** The first 20. */
  readonly groups: readonly string[];
  readonly groupCount: number;
  readonly tags: readonly string[];
  readonly mailbox: number;
  /** Whether a handler is running. */
  readonly busy: boolean;
  readonly waitingBytes: number;
  readonly ageMs: number;
  readonly lastError?: Pick<Failure, "stage" | "message" | "at">;
}

/** New history entries of the open actor; the first report has all kept entries. */
export interface History {
  readonly type: "history";
  readonly actor: string;
  readonly isFirst: boolean;
  /** Absent once the actor has ended. */
  readonly row?: ActorRow;
  readonly since: number;
  readonly entries: readonly HistoryEntry[];
  /** The actor's current events per second, and the recorded part of them. */
  readonly eventsPerSecond: number;
  readonly recordedPerSecond: number;
}

/** The answer to a malformed request. */
export interface Refused {
  readonly type: "refused";
  readonly reason: string;
}

/** The source or target of an entry. */
export type Lane = "client" | "actor" | "layer";

export interface HistoryEntry {
  /** Increases from entry to entry. */
  readonly number: number;
  /** Has fractions of a millisecond. */
  readonly at: number;
  /**
   * - `began`, `ended`: of the actor; `detail` is how it ended
   * - `frame`, `sent`: from and to the client
   * - `message`, `gap`, `overflow`: from the layer
   * - `groupAdd`, `groupDiscard`, `groupSend`: to the layer
   * - `transition`: of `machine`; `detail` is the states, `what` the event, empty for the initial state
   * - `failed`: `what` is the stage, `detail` the error
   */
  readonly kind:
    | "began"
    | "ended"
    | "frame"
    | "sent"
    | "message"
    | "gap"
    | "overflow"
    | GroupOperation
    | "transition"
    | "failed";
  readonly from: Lane;
  readonly to: Lane;
  /** The type of the message or event, the stage of a failure; `text` or `binary` for frames. */
  readonly what: string;
  /** The group, the states, the error. */
  readonly detail?: string;
  readonly machine?: MachineKind;
  readonly bytes?: number;
  /** At most 2,000 characters. Present only if payloads were requested. */
  readonly payload?: string;
}
