import type { MarkedArrow, MarkedState } from "../diagrams/marked-machine.ts";
import type { DropReason, Health, LayerCounters } from "../layers/index.ts";
import type { NamedCounters } from "../named/context.ts";
import type { ActorFacts, MemberFacts, ParkedFacts, PartitionFacts } from "../named/kind-reader.ts";
import type { RuntimeDropReason } from "../runtime/counters.ts";
import type { GroupOperation } from "../runtime/inspection-hooks.ts";

// The protocol between the inspector's page and its server: one JSON object per frame.
// All times are in milliseconds since 1970.

/**
 * A request of the page. The server answers each request. It sends the requested list and history again at
 * each {@link Tick}, until a new request of the same type replaces the previous request. The answer to a
 * {@link NamedRequest} is read from the store, so it is sent again every two seconds only.
 */
export type PageRequest = ListRequest | MachinesRequest | NamedRequest | OpenRequest | PayloadsRequest;

/** Requests the actors that match all given conditions. */
export interface ListRequest {
  readonly type: "list";
  readonly consumer?: string;
  readonly state?: { readonly machine: MachineKind; readonly mark: string };
  /** Words to find in channel, consumer, path, state, groups, tags and last error. Case-insensitive. */
  readonly search?: string;
  readonly sort: SortKey;
  readonly offset: number;
  /** The maximum number of rows in a list. With 0, the server sends no lists. */
  readonly limit: number;
}

/** `mailbox` and `waiting` sort by size, largest first; `error` by time of the last error, latest first. */
export type SortKey = "oldest" | "newest" | "mailbox" | "waiting" | "error";

/** Requests a consumer's machines with their pictures. The server answers once, with {@link Machines}. */
export interface MachinesRequest {
  readonly type: "machines";
  readonly consumer: string;
}

/** Opens the history of an actor. Without `actor`, closes the open history. */
export interface OpenRequest {
  readonly type: "open";
  readonly actor?: string;
}

/** Starts or stops recording payloads of the open actor. Ignored unless {@link Hello.payloads} is true. */
export interface PayloadsRequest {
  readonly type: "payloads";
  readonly shown: boolean;
}

/** Requests what the store has of a kind of named actors. Without `kind`, the server reads and sends nothing. */
export interface NamedRequest {
  readonly type: "named";
  readonly kind?: string;
  /** The actors after this key. */
  readonly after?: string;
  /** The open actor. */
  readonly key?: string;
  /** The open partition. */
  readonly partition?: number;
}

export type PageReport = Hello | Consumers | Machines | Tick | List | NamedReport | History | Refused;

/** The first report on a connection. */
export interface Hello {
  readonly type: "hello";
  readonly greenroom: string;
  /** The host name and process id. */
  readonly node: string;
  readonly nodeVersion: string;
  readonly startedAt: number;
  /** The shortest interval between two ticks, in milliseconds. */
  readonly tickMs: number;
  /** Whether the page may request payloads. */
  readonly payloads: boolean;
}

/** All consumers with a route or an actor. Reported again when a consumer is added or removed. */
export interface Consumers {
  readonly type: "consumers";
  readonly consumers: readonly ConsumerFacts[];
}

export interface ConsumerFacts {
  readonly id: string;
  readonly name: string;
  readonly routes: readonly string[];
  readonly layer?: string;
  /** Whether the consumer's actors run a machine of their own while they are `joined`. */
  readonly hasOwn: boolean;
}

/** `connection` is the machine of an actor's connection, and `own` is the machine of a machine consumer. */
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
  /** An SVG, or the reason for its absence. In the SVG, each state and arrow has its mark as a class. */
  readonly picture: { readonly svg: string } | { readonly missing: string };
}

/** The state of the node. Sent about every {@link Hello.tickMs}, but not while a page reads too slowly. */
export interface Tick {
  readonly type: "tick";
  readonly at: number;
  readonly figures: Figures;
  readonly layers: readonly LayerReport[];
  /** The counts of each consumer's actors, by {@link ConsumerFacts.id}. */
  readonly stateCounts: Readonly<Record<string, StateCounts>>;
  readonly transitions: readonly TransitionCount[];
  /** The kinds of named actors, as this node sees them. */
  readonly named: readonly NamedKindFacts[];
  /** The last 20 failures since the inspector was mounted, newest first. */
  readonly failures: readonly Failure[];
}

export interface Figures {
  /** The number of actors. Actors of the inspector's own pages are not counted. */
  readonly actors: number;
  readonly watching: number;
  readonly deliveriesPerSecond: number;
  readonly framesInPerSecond: number;
  readonly framesOutPerSecond: number;
  /** The event loop's delay since the last tick, in milliseconds: median, 99th percentile and maximum. */
  readonly loopDelay: { readonly p50: number; readonly p99: number; readonly max: number };
  readonly rssBytes: number;
  readonly heapBytes: number;
  /** The CPU usage in cores: 1 is one fully used core. */
  readonly cpu: number;
  /** The number of upgrades refused since the runtime was created. */
  readonly refused: number;
  readonly dropped: Dropped<RuntimeDropReason>;
  readonly sessions: SessionFigures;
}

export interface SessionFigures {
  /** The number of sessions whose client is away. */
  readonly away: number;
  /** The number of times a client has resumed its session since the runtime was created. */
  readonly resumed: number;
  /** The payloads kept for clients that have not acknowledged them, in bytes. A shared frame counts once. */
  readonly keptBytes: number;
}

/** The number of drops for each reason: in total, and per second. Reasons without drops are absent. */
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

/** The number of a consumer's actors: in total, and by the mark of their state. Empty states are absent. */
export interface StateCounts {
  readonly total: number;
  readonly connection: Readonly<Record<string, number>>;
  readonly own: Readonly<Record<string, number>>;
}

/** How often a transition was taken since the last tick. */
export interface TransitionCount {
  readonly consumer: string;
  readonly machine: MachineKind;
  /** The mark of the transition's arrow, or of its state if the transition has no arrow. */
  readonly mark: string;
  readonly count: number;
}

export interface Failure {
  readonly at: number;
  /** Absent if the failure does not belong to an actor. */
  readonly actor?: string;
  readonly consumer?: string;
  readonly path?: string;
  readonly stage: string;
  readonly message: string;
}

export interface List {
  readonly type: "list";
  /** The answered request. The order of its keys is the order in {@link ListRequest}. */
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
  /** The state of the actor's connection machine, such as `joined.online`. */
  readonly state: string;
  /** The state of the actor's own machine, such as `playing.round`. Parallel states are joined by `, `. */
  readonly own?: string;
  /** The first 20 of the actor's groups. */
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

export interface NamedKindFacts {
  readonly kind: string;
  /** The alias of the layer. */
  readonly layer: string;
  /** Whether this node can run the kind. */
  readonly runs: boolean;
  readonly partitions: number;
  readonly counters: NamedCounters;
}

/** A kind as the store has it. All texts are truncated. */
export interface NamedReport {
  readonly type: "named";
  /** The answered request. The order of its keys is the order in {@link NamedRequest}. */
  readonly request: NamedRequest;
  readonly content: NamedContent | { readonly error: string };
}

export interface NamedContent {
  readonly members: readonly MemberFacts[];
  /** The first 256 partitions. */
  readonly partitions: readonly PartitionFacts[];
  /** At most 100 of the parked actors. */
  readonly parked: readonly ParkedFacts[];
  /** At most 50 actors, in the order of the store. */
  readonly actors: readonly NamedActorRow[];
  /** The key after which the next actors are. Absent if there are no more. */
  readonly next?: string;
  readonly open?: NamedActorRow & NamedActorDetails;
  /** The newest dead letters of the open actor or partition: at most 100, newest first. */
  readonly deadLetters: readonly NamedDeadLetterRow[];
}

/** The facts of a stored actor. */
export interface NamedActorRow
  extends Pick<ActorFacts, "bytes" | "dueInMs" | "hasEnded" | "key" | "mailbox" | "parked" | "partition"> {
  /** The state of the machine. Empty if the actor does not exist. */
  readonly state: string;
  /** The reason why the snapshot cannot be read. */
  readonly unreadable?: string;
}

export interface NamedActorDetails extends Pick<ActorFacts, "delays"> {
  readonly version?: string;
  readonly machineVersion?: number;
  /** Present only if {@link Hello.payloads} is true. */
  readonly view?: string;
  /** Present only if {@link Hello.payloads} is true. */
  readonly context?: string;
}

export interface NamedDeadLetterRow {
  readonly key?: string;
  readonly at: number;
  readonly reason: string;
  /** The type of the message, the delay, or the effect and its target. */
  readonly what: string;
  /** The content of the message or effect. Present only if {@link Hello.payloads} is true. */
  readonly payload?: string;
}

/** New history entries of the open actor. The first report about an actor contains all kept entries. */
export interface History {
  readonly type: "history";
  readonly actor: string;
  readonly isFirst: boolean;
  /** Absent if the actor has ended. */
  readonly row?: ActorRow;
  readonly since: number;
  readonly entries: readonly HistoryEntry[];
  readonly eventsPerSecond: number;
  readonly recordedPerSecond: number;
}

/** The answer to a malformed request. */
export interface Refused {
  readonly type: "refused";
  readonly reason: string;
}

/** A sender or recipient of the activity that a history entry records. */
export type Lane = "client" | "actor" | "layer";

export interface HistoryEntry {
  /** Increases from entry to entry. */
  readonly number: number;
  /** The time in milliseconds since 1970, with a fraction. */
  readonly at: number;
  /**
   * - `began`: The actor began. `detail` is the path.
   * - `away`: The session lost its socket. `detail` is the close code and the reason.
   * - `resumed`: The client resumed its session with another socket.
   * - `ended`: The actor ended. `detail` is the close code or status, the side that closed, and the reason.
   * - `frame`, `sent`: A frame came from the client (`frame`) or was sent to the client (`sent`).
   * - `message`, `gap`, `overflow`: A message came from the layer, was lost, or was dropped on arrival.
   * - `groupAdd`, `groupDiscard`, `groupSend`: The actor called this method of the layer.
   * - `transition`: `machine` took a transition. `what` is the event, or empty when the machine starts.
   *   `detail` contains the states before and after the transition.
   * - `failed`: An error was reported. `what` is the stage, and `detail` is the error.
   */
  readonly kind:
    | "began"
    | "away"
    | "resumed"
    | "ended"
    | "frame"
    | "sent"
    | "message"
    | "gap"
    | "overflow"
    | "timer"
    | GroupOperation
    | "transition"
    | "failed";
  readonly from: Lane;
  readonly to: Lane;
  /** The type of the message or event, or the stage of a failure. For frames, `text` or `binary`. */
  readonly what: string;
  /** The group, the states, the error or other details, depending on `kind`. */
  readonly detail?: string;
  readonly machine?: MachineKind;
  readonly bytes?: number;
  /** The content, shortened to at most 2,000 characters. Present only if payloads were requested. */
  readonly payload?: string;
}
