import type { ReceivedFrames, Replies } from "../../contract/index.ts";
import type { ConsumerTypesOf, ContractOf } from "../consumer-types.ts";

/** Exactly one handler for each of the client's frames. The handler of a frame that asks returns the reply. */
export type FrameHandlers<K> = {
  readonly [T in keyof ReceivedFrames<K>]: (
    payload: ReceivedFrames<K>[T],
  ) => T extends keyof Replies<K> ? Replies<K>[T] | Promise<Replies<K>[T]> : unknown;
};

/**
 * Declares the handlers of the client's frames of consumer `C`, one for each frame of its contract. Inside a
 * handler, `this` is the consumer. A handler gets the payload after its schema. The handler of a frame that asks
 * returns the reply, or a promise of it.
 *
 * If a handler throws a {@link FrameError}, the client gets its code, and the connection stays open. After another
 * error, the client gets `greenroom.failed`, and the consumer's `supervision` applies: by default, a consumer with
 * a contract skips the frame, and keeps its state. The same happens if JSON cannot hold the reply, and if the
 * handler takes longer than `handlerTimeoutMs`; its late reply is dropped.
 *
 * @example
 * ```ts
 * static override readonly frames = frames<RoomChat>({
 *   say({ text }) { return this.groupSend(this.group, { type: "said", from: this.name, text }); },
 *   rename({ name }) { this.name = name; return { members: 3 }; },
 * });
 * ```
 */
export function frames<C>(
  table: FrameHandlers<ContractOf<ConsumerTypesOf<C>>> & ThisType<C>,
): FrameHandlers<ContractOf<ConsumerTypesOf<C>>> {
  return table;
}
