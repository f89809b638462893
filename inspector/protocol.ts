import type { MarkedArrow, MarkedState } from "../diagrams/marked-machine.ts";
import type { DropReason, Health, LayerCounters } from "../layers/index.ts";
import type { RuntimeDropReason } from "../runtime/counters.ts";
import type { GroupOperation } from "../runtime/inspection-hooks.ts";

// The protocol between the inspector's page and its server: one JSON object per frame.
// All times are in milliseconds since 1970.

// ---- from the page

/** Answered at once; a list and an open actor again at each {@link Tick}, until another request. */
export type PageRequest = ListRequest | MachinesRequest | OpenRequest | PayloadsRequest;

/** Asks for the actors to which all given conditions apply. */
export interface ListRequest {
  readonly type: "list";
  /** {@link ConsumerFacts.id}. */
  readonly consumer?: string;
  /** A state of that consumer's machines. */
  readonly state?: { readonly machine: MachineKind; readonly mark: string };
  /** Each word is in the channel, consumer, path, state, a group, a tag or the last error, in any case. */
  readonly search?: string;
  readonly sort: SortKey;
  /** How many rows are skipped. */
  readonly offset: number;
  /** How many rows are listed at most; 0 is not answered, and ends the answers. */
  readonly limit: number;
}

/** `oldest` and `newest` by age; the others in descending order. */
export type SortKey = "oldest" | "newest" | "mailbox" | "waiting" | "error";

/** Asks for a consumer's machines with their pictures. Answered once, with {@link Machines}. */
export interface MachinesRequest {
  readonly type: "machines";
  readonly consumer: string;
}

/** Opens an actor, for its history; without `actor`, closes the open one. */
export interface OpenRequest {
  readonly type: "open";
  readonly actor?: string;
}

/** Whether payloads of the open actor are recorded. Ignored unless {@link Hello.payloads}. */
export interface PayloadsRequest {
  readonly type: "payloads";
  readonly shown: boolean;
}

// ---- from the server

export type PageReport = Hello | Consumers | Machines | Tick | List | History | Refused;

/** The first report. */
export interface Hello {
  readonly type: "hello";
  /** The version of Greenroom. */
  readonly greenroom: string;
  /** The host's name and the process's id. */
  readonly node: string;
  readonly nodeVersion: string;
  readonly startedAt: number;
  /** The shortest interval between two ticks, in milliseconds. */
  readonly tickMs: number;
  /** Whether payloads may be asked for. */
  readonly payloads: boolean;
}

/** All consumers that are routed or run. Sent again when they change. */
export interface Consumers {
  readonly type: "consumers";
  readonly consumers: readonly ConsumerFacts[];
}

export interface ConsumerFacts {
  readonly id: string;
  readonly name: string;
  /** The patterns of its routes. */
  readonly routes: readonly string[];
  /** The alias of its layer. */
  readonly layer?: string;
  /** Whether it runs a machine of its own, within `joined`. */
  readonly hasOwn: boolean;
}

/** A machine of an actor: the one of its connection, or the consumer's own. */
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
  /** SVG in which each state and arrow is a group with its mark as a class, or why there is none. */
  readonly picture: { readonly svg: string } | { readonly missing: string };
}

/** The state of the node. Sent every {@link Hello.tickMs}, unless the page has not read the one before. */
export interface Tick {
  readonly type: "tick";
  readonly at: number;
  readonly figures: Figures;
  readonly layers: readonly LayerReport[];
  /** By {@link ConsumerFacts.id}. */
  readonly stateCounts: Readonly<Record<string, StateCounts>>;
  /** The transitions since the last tick. */
  readonly transitions: readonly TransitionCount[];
  /** The last 20 failures since the inspector was mounted, the newest first. */
  readonly failures: readonly Failure[];
}

export interface Figures {
  /** Without the inspector's own. */
  readonly actors: number;
  /** The number of pages. */
  readonly watching: number;
  /** Messages that layers put into mailboxes, and frames from and to clients. */
  readonly deliveriesPerSecond: number;
  readonly framesInPerSecond: number;
  readonly framesOutPerSecond: number;
  /** The delay of the event loop in the last tick, in milliseconds: median, 99th percentile and maximum. */
  readonly loopDelay: { readonly p50: number; readonly p99: number; readonly max: number };
  readonly rssBytes: number;
  readonly heapBytes: number;
  /** In cores: 1 is one core fully used. */
  readonly cpu: number;
  /** Upgrades refused since the runtime was made. */
  readonly refused: number;
  readonly dropped: Dropped<RuntimeDropReason>;
}

/** Drops since the start, and per second now. A reason that never happened is absent. */
export type Dropped<Reason extends string> = {
  readonly [reason in Reason]?: { readonly total: number; readonly perSecond: number };
};

export type LayerTotals = Omit<LayerCounters, "dropped">;

export interface LayerReport {
  readonly alias: string;
  /** The name of its class. */
  readonly kind: string;
  readonly health: Health;
  readonly totals: LayerTotals;
  readonly perSecond: LayerTotals;
  readonly dropped: Dropped<DropReason>;
}

/** The number of a consumer's actors, and of those in each state, by mark. Absent states have none. */
export interface StateCounts {
  readonly total: number;
  readonly connection: Readonly<Record<string, number>>;
  readonly own: Readonly<Record<string, number>>;
}

/** The mark is that of an arrow; of a state for a transition without an arrow, and for the initial state. */
export interface TransitionCount {
  readonly consumer: string;
  readonly machine: MachineKind;
  readonly mark: string;
  readonly count: number;
}

export interface Failure {
  readonly at: number;
  /** Absent if it belongs to no actor. */
  readonly actor?: string;
  readonly consumer?: string;
  readonly path?: string;
  readonly stage: string;
  readonly message: string;
}

export interface List {
  readonly type: "list";
  /** The request that it answers, with its keys in the order of {@link ListRequest}. */
  readonly request: ListRequest;
  /** The number of actors to which the request applies. */
  readonly matched: number;
  readonly rows: readonly ActorRow[];
}

export interface ActorRow {
  readonly id: string;
  readonly consumer: string;
  /** Absent for an actor that has no channel yet. */
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
  /** How many items wait in the mailbox. */
  readonly mailbox: number;
  /** Whether an item is being handled. */
  readonly busy: boolean;
  readonly waitingBytes: number;
  readonly ageMs: number;
  readonly lastError?: Pick<Failure, "stage" | "message" | "at">;
}

/** New entries in the history of the open actor; the first report has all that are kept. */
export interface History {
  readonly type: "history";
  readonly actor: string;
  readonly isFirst: boolean;
  /** Absent once the actor has ended. */
  readonly row?: ActorRow;
  /** The start of the recording. */
  readonly since: number;
  readonly entries: readonly HistoryEntry[];
  /** Events of this actor per second now, and how many of them are recorded. */
  readonly eventsPerSecond: number;
  readonly recordedPerSecond: number;
}

/** The answer to a malformed request. */
export interface Refused {
  readonly type: "refused";
  readonly reason: string;
}

/** An end of a message's way. */
export type Lane = "client" | "actor" | "layer";

export interface HistoryEntry {
  /** Grows from entry to entry. */
  readonly number: number;
  /** With fractions of a millisecond. */
  readonly at: number;
  /**
   * - `began`, `ended`: the actor; `detail` says how it ended
   * - `frame`, `sent`: from and to the client
   * - `message`, `gap`, `overflow`: from the layer
   * - `groupAdd`, `groupDiscard`, `groupSend`: to the layer
   * - `transition`: of `machine`, from state to state in `detail`; `what` is the event, empty at the start
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
  /** The size of a frame. */
  readonly bytes?: number;
  /** At most 2,000 characters. Only if payloads were asked for. */
  readonly payload?: string;
}
