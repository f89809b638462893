import type { DropReason, Health } from "../layers/index.ts";
import type { RuntimeDropReason } from "../runtime/counters.ts";

// What the inspector's page and the server say to each other, each a JSON object in a frame of its own.

// ---- the page asks

/** What the page wants to see. The answer to each comes at once, and again at each {@link Tick} until it asks otherwise. */
export type PageRequest = ListRequest | MachinesRequest | OpenRequest | PayloadsRequest;

/** Which actors are listed: those to which all that is given applies. */
export interface ListRequest {
  readonly type: "list";
  /** {@link ConsumerFacts.id}. */
  readonly consumer?: string;
  /** A state of that consumer's machines. */
  readonly state?: { readonly machine: MachineKind; readonly mark: string };
  /** Every word of it is in the channel, consumer, path, state, a group, a tag or the last error, in whatever case. */
  readonly search?: string;
  readonly sort: SortKey;
  /** How many rows are left out before the first, and how many are shown at most; 0 is not answered, and ends the answers. */
  readonly offset: number;
  readonly limit: number;
}

/** The most first; for `oldest` and `newest` by age. */
export type SortKey = "oldest" | "newest" | "mailbox" | "waiting" | "error";

/** The machines of a consumer are wanted, with their pictures. Answered once, with {@link Machines}. */
export interface MachinesRequest {
  readonly type: "machines";
  readonly consumer: string;
}

/** One actor's history is wanted; none without `actor`. */
export interface OpenRequest {
  readonly type: "open";
  readonly actor?: string;
}

/** Whether payloads are to be recorded of the opened actor. Heeded only where {@link Hello.payloads} says so. */
export interface PayloadsRequest {
  readonly type: "payloads";
  readonly shown: boolean;
}

// ---- the server says

export type PageReport = Hello | Consumers | Machines | Tick | List | History | Refused;

/** First of all. */
export interface Hello {
  readonly type: "hello";
  readonly greenroom: string;
  /** The host's name and the process's id. */
  readonly node: string;
  readonly nodeVersion: string;
  /** Milliseconds since 1970. */
  readonly startedAt: number;
  /** Milliseconds between two ticks. */
  readonly tickMs: number;
  /** Whether payloads can be asked for. */
  readonly payloads: boolean;
}

/** All consumers that are routed or run. Said again when there is a new one. */
export interface Consumers {
  readonly type: "consumers";
  readonly consumers: readonly ConsumerFacts[];
}

export interface ConsumerFacts {
  readonly id: string;
  readonly name: string;
  /** The patterns it is routed at. */
  readonly routes: readonly string[];
  /** The alias of its layer. */
  readonly layer?: string;
  /** Whether it runs a machine of its own, within `joined`. */
  readonly hasOwn: boolean;
}

/** Which machine of an actor: that of its connection, or the one of its own that a machine consumer runs. */
export type MachineKind = "connection" | "own";

export interface Machines {
  readonly type: "machines";
  readonly consumer: string;
  readonly machines: readonly MachineFacts[];
}

export interface MachineFacts {
  readonly kind: MachineKind;
  readonly name: string;
  readonly states: readonly StateFacts[];
  readonly arrows: readonly ArrowFacts[];
  /** SVG in which each state and arrow is a group with its mark as a class; or why there is none. */
  readonly picture: { readonly svg: string } | { readonly missing: string };
}

export interface StateFacts {
  /** `s1`, `s2`, … */
  readonly mark: string;
  /** `joined`, or `playing.round` for a state within a state. */
  readonly path: string;
  /** 0 at the top. */
  readonly depth: number;
  readonly type: "atomic" | "compound" | "parallel" | "final" | "history";
}

export interface ArrowFacts {
  /** `a1`, `a2`, … */
  readonly mark: string;
  /** Marks of states. */
  readonly from: string;
  readonly to: readonly string[];
  readonly label: string;
}

/** What the node does. Said every {@link Hello.tickMs}, unless the page has not read the one before. */
export interface Tick {
  readonly type: "tick";
  /** Milliseconds since 1970. */
  readonly at: number;
  readonly figures: Figures;
  readonly layers: readonly LayerReport[];
  /** By {@link ConsumerFacts.id}. */
  readonly census: Readonly<Record<string, Census>>;
  /** What moved since the last tick. */
  readonly moves: readonly Move[];
  /** The newest failures first, 20 at most, since the inspector was mounted. */
  readonly failures: readonly Failure[];
}

export interface Figures {
  /** Those who look are not among them. */
  readonly actors: number;
  /** How many look. */
  readonly watching: number;
  /** Messages that layers put into mailboxes, frames that clients sent and were sent: per second. */
  readonly deliveriesPerSecond: number;
  readonly framesInPerSecond: number;
  readonly framesOutPerSecond: number;
  /** How late the event loop was in the last tick, in milliseconds: half of the time, one time in a hundred, at worst. */
  readonly loopDelay: { readonly p50: number; readonly p99: number; readonly max: number };
  readonly rssBytes: number;
  readonly heapBytes: number;
  /** Of one core, 0 to 1 and beyond. */
  readonly cpu: number;
  /** Upgrades that were refused, since the runtime was made. */
  readonly refused: number;
  /** What the runtime dropped since it was made: total, and per second now. Reasons that never happened are absent. */
  readonly dropped: Dropped<RuntimeDropReason>;
}

export type Dropped<Reason extends string> = {
  readonly [reason in Reason]?: { readonly total: number; readonly perSecond: number };
};

export interface LayerReport {
  readonly alias: string;
  readonly kind: string;
  readonly health: Health;
  readonly publishedPerSecond: number;
  readonly receivedPerSecond: number;
  readonly deliveredPerSecond: number;
  readonly consumedPerSecond: number;
  readonly published: number;
  readonly received: number;
  readonly delivered: number;
  readonly consumed: number;
  readonly dropped: Dropped<DropReason>;
}

/** How many actors of a consumer there are, and by mark how many are in each state right now; those with none are absent. */
export interface Census {
  readonly total: number;
  readonly connection: Readonly<Record<string, number>>;
  readonly own: Readonly<Record<string, number>>;
}

/** So many actors took this way: the mark of an arrow; of a state for a transition that has no arrow, or where they began. */
export interface Move {
  readonly consumer: string;
  readonly machine: MachineKind;
  readonly mark: string;
  readonly count: number;
}

export interface Failure {
  readonly at: number;
  /** Where it is known whose it is. */
  readonly actor?: string;
  readonly consumer?: string;
  readonly path?: string;
  readonly stage: string;
  readonly message: string;
}

/** The actors asked for. */
export interface List {
  readonly type: "list";
  /** The request that it answers. */
  readonly request: ListRequest;
  /** To how many actors it applies. */
  readonly matched: number;
  readonly rows: readonly ActorRow[];
}

export interface ActorRow {
  readonly id: string;
  readonly consumer: string;
  /** Absent for an actor without a layer that nobody has addressed. */
  readonly channel?: string;
  readonly path: string;
  /** Of its connection. */
  readonly state: string;
  /** Of its own machine: `playing.round`, several joined by `, ` where there are regions. */
  readonly own?: string;
  /** The first 20, and how many there are. */
  readonly groups: readonly string[];
  readonly groupCount: number;
  readonly tags: readonly string[];
  /** How many items wait in the mailbox, and whether one is being handled. */
  readonly mailbox: number;
  readonly busy: boolean;
  readonly waitingBytes: number;
  readonly ageMs: number;
  readonly lastError?: { readonly stage: string; readonly message: string; readonly at: number };
}

/** What is new of the opened actor's history; all there is in the first after it was opened. */
export interface History {
  readonly type: "history";
  readonly actor: string;
  /** Whether this is the first of them. */
  readonly isFirst: boolean;
  /** Absent once it has gone. */
  readonly row?: ActorRow;
  /** Since when anything is recorded: since somebody looks. Milliseconds since 1970. */
  readonly since: number;
  readonly entries: readonly HistoryEntry[];
  /** Events of this actor per second now, and how many per second of them are recorded. */
  readonly eventsPerSecond: number;
  readonly recordedPerSecond: number;
}

/** What the page asked for cannot be given. */
export interface Refused {
  readonly type: "refused";
  readonly reason: string;
}

/** Between whom something went. */
export type Lane = "client" | "actor" | "layer";

export interface HistoryEntry {
  /** Grows from entry to entry. */
  readonly number: number;
  /** Milliseconds since 1970, with fractions. */
  readonly at: number;
  /**
   * - `began`, `ended`: the actor; `ended` with how, in `detail`
   * - `frame`, `sent`: from and to the client
   * - `message`, `gap`, `overflow`: from the layer
   * - `groupAdd`, `groupDiscard`, `groupSend`: to the layer
   * - `transition`: of the machine in `machine`, from state to state in `detail`; `what` is the event, empty where it begins
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
    | "groupAdd"
    | "groupDiscard"
    | "groupSend"
    | "transition"
    | "failed";
  readonly from: Lane;
  readonly to: Lane;
  /** The type of the message or event, the stage of a failure; `text` or `binary` for frames. */
  readonly what: string;
  /** The group, the states, the error. */
  readonly detail?: string;
  readonly machine?: MachineKind;
  /** Of a frame. */
  readonly bytes?: number;
  /** At most 2,000 characters. Only where payloads were asked for. */
  readonly payload?: string;
}
