import type { StateMessage, StoredMessage } from "../state-backend.ts";
import { firstOf } from "./first-of.ts";

/** The stored facts of one actor on a `MemoryBus`. */
export class MemoryActor {
  state: { readonly version: string; readonly data: Uint8Array } | undefined;
  deadline: number | undefined;
  parked: Uint8Array | undefined;
  loads = 0;
  /** Whether messages were deleted before the actor existed, so that a commit must not remove later ones. */
  isDeleted = false;
  #bytes = 0;
  readonly #mailbox: StoredMessage[] = [];

  /** The number of messages in the mailbox. */
  get waiting(): number {
    return this.#mailbox.length;
  }

  /** Whether nothing about the actor has to be stored. */
  get isBlank(): boolean {
    const { state, deadline, parked, loads, waiting, isDeleted } = this;
    const isUnknown = state === undefined && deadline === undefined && parked === undefined;
    return isUnknown && loads + waiting === 0 && !isDeleted;
  }

  hasRoom(payload: Uint8Array, limit: { readonly capacity: number; readonly bytes: number }): boolean {
    return this.waiting < limit.capacity && this.#bytes + payload.length <= limit.bytes;
  }

  enqueue({ number, payload }: StateMessage, at: number): void {
    this.#bytes += payload.length;
    this.#mailbox.push({ at, id: `${at}-${number}`, payload });
  }

  /** The first messages: see `Taken.messages`. */
  first(): readonly StoredMessage[] {
    return firstOf(this.#mailbox);
  }

  /** The id of the last one of the first `count` messages. Undefined if there are fewer. */
  idOf(count: number): string | undefined {
    return this.#mailbox[count - 1]?.id;
  }

  /** Removes the first `count` messages, and returns their payloads. */
  remove(count: number): readonly Uint8Array[] {
    const payloads = this.#mailbox.splice(0, count).map(({ payload }) => payload);
    for (const { length } of payloads) this.#bytes -= length;
    return payloads;
  }
}
