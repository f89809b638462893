import { type Channel, channel } from "node:diagnostics_channel";
import type { Exit } from "../../actors/index.ts";
import type { NamedEvent } from "../../named/context.ts";
import type { CountedLimit } from "../limits/limits.ts";

interface RuntimeEvent {
  /** The id of the node, which tells the runtimes of a process apart. */
  readonly runtime: string;
}

/** The connection of an event. Spawned actors have one, too. */
interface ConnectionEvent extends RuntimeEvent {
  /** The id of the actor, as the inspector shows it. */
  readonly actor: string;
  /** The name of the consumer's class. */
  readonly consumer: string;
  readonly path: string;
  /** The address of the client. Undefined for a spawned actor. */
  readonly address: string | undefined;
}

/**
 * The events of a runtime on the named channels of `node:diagnostics_channel`, by channel.
 *
 * Texts in events are cut after 500 characters, and control characters in them are escaped, because many of them come
 * from clients. An `error` is the original object, so its texts are not escaped.
 *
 * @example
 * ```ts
 * import { subscribe } from "node:diagnostics_channel";
 * import type { RuntimeEvents } from "greenroom";
 *
 * subscribe("greenroom:connection.closed", (event) => {
 *   const { path, code, durationMs } = event as RuntimeEvents["greenroom:connection.closed"];
 *   console.log(path, code, durationMs);
 * });
 * ```
 */
export interface RuntimeEvents {
  /** A connection was accepted. */
  readonly "greenroom:connection.joined": ConnectionEvent;
  /** An upgrade was refused by the runtime, a guard or a consumer; or a consumer rejected a spawned actor. */
  readonly "greenroom:connection.refused": RuntimeEvent & {
    /** The HTTP status. Undefined if the request was not a well-formed upgrade. */
    readonly status: number | undefined;
    readonly reason: string;
    readonly path: string;
    readonly address: string | undefined;
    /** Undefined if the connection was refused before its consumer existed. */
    readonly consumer: string | undefined;
  };
  /** A connection that had joined has ended. Its `disconnect` runs afterwards. */
  readonly "greenroom:connection.closed": ConnectionEvent & {
    readonly code: number;
    readonly reason: string;
    /** The party that ended the connection. */
    readonly by: Exit["by"];
    /** Milliseconds since the actor began. */
    readonly durationMs: number;
  };
  /** A session has lost its socket, and waits for its client. */
  readonly "greenroom:session.away": ConnectionEvent & { readonly code: number; readonly reason: string };
  /** A client has resumed its session with another socket, whose address the event has. */
  readonly "greenroom:session.resumed": ConnectionEvent;
  /** A limit was hit. At most one event per second for each limit. */
  readonly "greenroom:limit": RuntimeEvent & {
    /** The name of the option with the limit. */
    readonly limit: CountedLimit;
    /** How often the limit was hit since its last event. */
    readonly hits: number;
  };
  /** An error that no caller receives, as `onError` gets it. The event has all facts that `onError` gets. */
  readonly "greenroom:error": RuntimeEvent & {
    readonly error: unknown;
    readonly stage: string;
    readonly consumer?: unknown;
    readonly path?: unknown;
    readonly [fact: string]: unknown;
  };
  /** A job has failed for good: its worker's `onFailed` is called. */
  readonly "greenroom:job.failed": RuntimeEvent & {
    readonly channel: string;
    /** The id that `submit` returned. Undefined if the job was sent with the layer's `send`. */
    readonly job: string | undefined;
    readonly attempt: number;
    readonly error: unknown;
  };
  /** The health of a layer has changed. Published only if the channel has a subscriber when `ready` is called. */
  readonly "greenroom:layer.health": RuntimeEvent & {
    /** The alias of the layer. */
    readonly layer: string;
    readonly ok: boolean;
    /** Contains the address of the server. Undefined if `ok` is true. */
    readonly reason: string | undefined;
  };
  /** Another node has been discovered. */
  readonly "greenroom:node.joined": RuntimeEvent & { readonly node: string };
  /** Another node has left, or its heartbeats have stopped. */
  readonly "greenroom:node.left": RuntimeEvent & { readonly node: string };
  /** An actor was parked, a message became a dead letter, or the store has lost something. */
  readonly "greenroom:named": RuntimeEvent & NamedEvent;
  /** The runtime has begun to close. */
  readonly "greenroom:runtime.draining": RuntimeEvent & { readonly connections: number };
  /** The runtime has closed. */
  readonly "greenroom:runtime.closed": RuntimeEvent;
}

/** The name of a channel of {@link RuntimeEvents}. */
export type RuntimeEventName = keyof RuntimeEvents;

/** The names of all channels of {@link RuntimeEvents}. */
export const runtimeEvents: readonly RuntimeEventName[] = [
  "greenroom:connection.joined",
  "greenroom:connection.refused",
  "greenroom:connection.closed",
  "greenroom:session.away",
  "greenroom:session.resumed",
  "greenroom:limit",
  "greenroom:error",
  "greenroom:job.failed",
  "greenroom:layer.health",
  "greenroom:node.joined",
  "greenroom:node.left",
  "greenroom:named",
  "greenroom:runtime.draining",
  "greenroom:runtime.closed",
];

/** The channels stay referenced, because Node forgets a channel that nothing refers to. */
export const channels = Object.fromEntries(runtimeEvents.map((name) => [name, channel(name)])) as Readonly<
  Record<RuntimeEventName, Channel>
>;
