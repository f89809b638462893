import type { AnyStateMachine, InputFrom, SnapshotFrom, StateValueFrom } from "xstate";
import type { SavedMachine } from "../actors/index.ts";
import type { MachineMessages } from "../actors/machine/machine-events.ts";
import type { AskingFrame, Schema } from "../contract/index.ts";
import { isSchema } from "../contract/standard-schema.ts";
import { checkInteger } from "../layers/check-integer.ts";
import { InvalidOptionError } from "../layers/errors.ts";

/** Options of a kind in a process that only calls its actors. */
export interface NamedCallerOptions {
  /** The alias of the layer that stores the actors. @default the control layer */
  readonly layer?: string;
  /** A schema for the keys, of any library that speaks Standard Schema. Synchronous. It cannot change the key. */
  readonly key?: Schema;
  /**
   * Schemas of the messages, by type. A schema takes the properties of a message without its `type`, and is
   * synchronous. The `client` of a contract can be used, too. A message of another type is refused.
   * @default messages are not checked
   */
  readonly messages?: Readonly<Record<string, Schema | AskingFrame>>;
  /** The number of partitions. Fixed when the kind is first used; another number is an error later. @default 256 */
  readonly partitions?: number;
  /**
   * The number of replicas of the Redis server that must have a message before it counts as stored, and a step before
   * its effects are carried out. Narrows what a failover can lose, but cannot exclude a loss: see the command WAIT. A
   * memory layer ignores it. @default 0
   */
  readonly replicas?: number;
  /** The bounds of each mailbox: see `QueueFullError`. @default 10_000 messages, and 8 MiB */
  readonly mailbox?: { readonly capacity?: number; readonly bytes?: number };
}

/** Options of a kind in a process that runs its actors. `M` is the machine, and `V` the view. */
export interface NamedOptions<M extends AnyStateMachine, V = StateValueFrom<M>> extends NamedCallerOptions {
  /** Returns the input of the machine for a key. */
  readonly input?: (key: string) => InputFrom<M>;
  /**
   * Returns what `view` and `watch` show of an actor: a value that a message can hold. It is stored with the snapshot.
   * @default the value of the snapshot, that is its state
   */
  readonly view?: (snapshot: SnapshotFrom<M>) => V;
  /**
   * The version of the machine: 1 or more. A partition that a version has owned is never owned by a lower one.
   * Increase it together with {@link migrate} if stored snapshots do not fit the machine any longer. @default 1
   */
  readonly version?: number;
  /** Converts the stored machine of a lower version. It gets and returns plain data. */
  readonly migrate?: (saved: SavedMachine, from: number) => SavedMachine;
  /** Milliseconds without a step after which an actor leaves the memory. @default 60_000 */
  readonly idleMs?: number;
  /** Milliseconds for which an actor in a final state is kept. @default 604_800_000, which is 7 days */
  readonly keepMs?: number;
  /** The number of tries of a step that fails. @default 3 */
  readonly attempts?: number;
}

/** A machine of a kind, with its options. */
export interface Behaviour {
  readonly machine: AnyStateMachine;
  readonly input: ((key: string) => unknown) | undefined;
  readonly view: ((snapshot: unknown) => unknown) | undefined;
  readonly version: number;
  readonly migrate: ((saved: SavedMachine, from: number) => SavedMachine) | undefined;
  readonly idleMs: number;
  readonly keepMs: number;
  readonly attempts: number;
}

export interface MailboxBounds {
  readonly capacity: number;
  readonly bytes: number;
}

/** The options of each shipment to a kind. */
export interface ShipmentOptions extends MailboxBounds {
  readonly replicas: number;
}

/** The messages of a kind whose machine is `M`, by type. */
export type NamedMessages<M extends AnyStateMachine> = MachineMessages<M>;

const dayMs = 86_400_000;
const maxKeepMs = 36_500 * dayMs;

export const defaultMailbox: MailboxBounds = { capacity: 10_000, bytes: 8 * 1024 * 1024 };

/** @throws {InvalidOptionError} */
export function mailboxOf({ mailbox = {} }: NamedCallerOptions): MailboxBounds {
  const { capacity = defaultMailbox.capacity, bytes = defaultMailbox.bytes } = mailbox;
  checkInteger("mailbox.capacity", capacity);
  // The largest message has to fit, also in an encrypted mailbox.
  checkInteger("mailbox.bytes", bytes, { min: 2 * 1024 * 1024 });
  return { capacity, bytes };
}

/** @throws {InvalidOptionError} */
export function replicasOf({ replicas = 0 }: NamedCallerOptions): number {
  return checkInteger("replicas", replicas, { min: 0, max: 100 });
}

/** @throws {InvalidOptionError} */
export function partitionsOf({ partitions = 256 }: NamedCallerOptions): number {
  return checkInteger("partitions", partitions, { max: 4_096 });
}

/** The schemas of the messages, by type. @throws {InvalidOptionError} */
export function schemasOf({ messages }: NamedCallerOptions): ReadonlyMap<string, Schema> | undefined {
  if (messages === undefined) return undefined;
  return new Map(
    Object.entries(messages).map(([type, given]) => {
      const schema = isSchema(given) ? given : given?.payload;
      if (!isSchema(schema)) throw new InvalidOptionError(`\`messages.${type}\` must be a schema.`);
      return [type, schema];
    }),
  );
}

/** @throws {InvalidOptionError} */
export function behaviourOf(
  machine: AnyStateMachine,
  options: NamedOptions<AnyStateMachine, unknown>,
): Behaviour {
  const { input, view, version = 1, migrate, idleMs = 60_000, keepMs = 7 * dayMs, attempts = 3 } = options;
  checkInteger("version", version);
  checkInteger("idleMs", idleMs, { min: 0 });
  checkInteger("keepMs", keepMs, { min: 0, max: maxKeepMs });
  checkInteger("attempts", attempts, { max: 100 });
  return { machine, input, view: view as Behaviour["view"], version, migrate, idleMs, keepMs, attempts };
}

/** A stored machine of version `from`, converted to the version of `behaviour`. @throws what the option throws */
export function migrated(saved: SavedMachine, from: number, { version, migrate }: Behaviour): SavedMachine {
  return from < version && migrate !== undefined ? migrate(saved, from) : saved;
}
