import type { BackendListener } from "../backend.ts";
import type { Gap, Position } from "../message.ts";
import { DeliveryQueue } from "./delivery-queue.ts";
import type { DeliveryContext } from "./desk.ts";
import { DirectDelivery } from "./direct-parcel.ts";
import { MessageRound } from "./fan-out.ts";
import { GapRound } from "./gap-round.ts";

/** What every channel of a node is told when direct sends may have been lost. */
const directGap: Gap = Object.freeze({});

/**
 * Takes what a backend hands to a node, and puts it into the inboxes that it is for, in the order in which it came: at
 * once if that does not take long, else in slices, between which the event loop moves on. It never throws.
 *
 * It is for those who are there when it comes in, and are still there when their turn comes.
 */
export class Receiver implements BackendListener {
  readonly #ownTopic: string;
  readonly #desk: DeliveryContext;
  readonly #queue: DeliveryQueue;

  /**
   * @param ownTopic where the direct sends for this node's channels come in.
   * @param now a clock in milliseconds that never runs backwards.
   */
  constructor(ownTopic: string, desk: DeliveryContext, now: () => number = () => performance.now()) {
    this.#ownTopic = ownTopic;
    this.#desk = desk;
    this.#queue = new DeliveryQueue(now);
  }

  get waiting(): number {
    return this.#queue.size;
  }

  payload(topic: string, payload: Uint8Array, position?: Position): void {
    const desk = this.#desk;
    desk.counters.received += 1;
    if (topic === this.#ownTopic) {
      this.#queue.add(new DirectDelivery(desk, topic, payload));
      return;
    }
    const group = desk.roster.groupAt(topic);
    if (group === undefined) return;
    const { last } = this.#queue;
    if (last instanceof MessageRound && last.group === group && last.take(payload, position)) {
      this.#queue.grow(1, payload.length);
      return;
    }
    const round = new MessageRound(desk, group, topic);
    round.take(payload, position);
    this.#queue.add(round);
  }

  gap(topic: string, range?: { readonly from?: number; readonly to?: number }): void {
    const { roster, report } = this.#desk;
    if (topic === this.#ownTopic) {
      this.#queue.add(new GapRound(roster, directGap, report));
      return;
    }
    const group = roster.groupAt(topic);
    if (group === undefined) return;
    this.#queue.add(new GapRound(group, Object.freeze({ group: group.name, ...range }), report));
  }

  error(error: Error): void {
    this.#desk.report(error, { stage: "layer" });
  }

  /** To be called once the roster is cleared: what waits is for nobody any more, and no timer is left. */
  close(): void {
    this.#queue.close();
  }
}
