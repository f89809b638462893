import type { Clock } from "../../clock.ts";

/** A command, as errors and the health of a layer show it. */
export interface CommandLabel {
  /** The name of the command, such as `PUBLISH`. */
  readonly command: string;
  /** The keys or channels of the command. */
  readonly keys: readonly string[];
  /** Distinguishes scripts, all of which are sent by one command. @default the name of the command */
  readonly kind?: string;
  /** Whether a success of the command shows that the server accepts new data. */
  readonly addsData?: boolean;
  /** Whether the command may succeed without a write, so that its success proves nothing about writes. */
  readonly mayOnlyRead?: boolean;
}

/** Returns the command and its first key or channel as text. */
export function textOfLabel({ command, keys: [first, ...others] }: CommandLabel): string {
  if (first === undefined) return command;
  const more = others.length === 0 ? "" : ` and ${others.length} more`;
  return `${command} on "${first}"${more}`;
}

interface Refusal {
  readonly kind: string;
  readonly key: string;
  readonly error: Error;
  readonly extent: "key" | "kind" | "data";
  readonly at: number;
}

/** How long a refusal counts, in milliseconds, if the command is neither repeated nor accepted. */
export const refusalMs = 60_000;

const maxRefusals = 100;

/**
 * The commands that the server currently refuses on one connection. A refusal ends when the same kind of
 * command succeeds, after {@link refusalMs}, or when its key is forgotten. A refusal of one key or channel
 * ends only when a command with this key or channel succeeds. A refusal of all new data does not end when a
 * command succeeds without a write, but ends when any command adds data. At most 100 refusals are kept.
 */
export class Refusals {
  readonly #clock: Clock;
  readonly #refusals = new Map<string, Refusal>();

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** The error of the newest refusal that still counts. */
  get latest(): Error | undefined {
    let latest: Error | undefined;
    for (const [id, { at, error }] of this.#refusals) {
      if (this.#now - at < refusalMs) latest = error;
      else this.#refusals.delete(id);
    }
    return latest;
  }

  /** @param reply the error reply of the server. @param error the error that shows the reply to users. */
  refused({ command, keys, kind = command }: CommandLabel, reply: Error, error: Error): void {
    const [key = ""] = keys;
    const id = `${kind} ${key}`;
    // A new entry is the last one of the map, so the first entry is the oldest.
    this.#refusals.delete(id);
    this.#refusals.set(id, { kind, key, error, extent: extentOf(reply.message), at: this.#now });
    if (this.#refusals.size <= maxRefusals) return;
    const [oldest = ""] = this.#refusals.keys();
    this.#refusals.delete(oldest);
  }

  /** @param reply the reply of the server. A script of this package replies 0 if it has written nothing. */
  succeeded({ command, keys, kind = command, addsData, mayOnlyRead }: CommandLabel, reply?: unknown): void {
    const isWrite = !mayOnlyRead && reply !== 0;
    for (const [id, refusal] of this.#refusals) {
      const isSameKind = refusal.kind === kind;
      const isOver = {
        key: isSameKind && keys.includes(refusal.key),
        kind: isSameKind,
        data: isWrite && (isSameKind || addsData === true),
      };
      if (isOver[refusal.extent]) this.#refusals.delete(id);
    }
  }

  /** Forgets the refusals of `key`, because the layer no longer needs the key. */
  forget(key: string): void {
    for (const [id, refusal] of this.#refusals) if (refusal.key === key) this.#refusals.delete(id);
  }

  get #now(): number {
    return this.#clock.now?.() ?? performance.now();
  }
}

/** Returns whether a refusal concerns one key or channel, all commands of its kind, or all new data. */
function extentOf(reply: string): Refusal["extent"] {
  if (/^(?:MISCONF|OOM|NOREPLICAS)\b/.test(reply)) return "data";
  return /\b(?:keys?|channels?)\b/i.test(reply) ? "key" : "kind";
}
