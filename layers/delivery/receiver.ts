import type { BackendListener } from "../backend.ts";
import type { Gap, Position } from "../message.ts";
import { DeliveryQueue } from "./delivery-queue.ts";
import { type DeliveryContext, DirectDelivery, GapFanOut, MessageFanOut } from "./fan-out.ts";

const directGap: Gap = Object.freeze({});

/** Delivers a backend's payloads and gaps in the order of arrival, in time slices. Never throws. */
export class Receiver implements BackendListener {
  readonly #ownTopic: string;
  readonly #context: DeliveryContext;
  readonly #queue: DeliveryQueue;

  /** @param ownTopic the topic of direct sends to this node's channels. */
  constructor(ownTopic: string, context: DeliveryContext, now: () => number = () => performance.now()) {
    this.#ownTopic = ownTopic;
    this.#context = context;
    this.#queue = new DeliveryQueue(now);
  }

  get waiting(): number {
    return this.#queue.size;
  }

  payload(topic: string, payload: Uint8Array, position?: Position): void {
    const context = this.#context;
    context.metrics.received += 1;
    if (topic === this.#ownTopic) {
      this.#queue.add(new DirectDelivery(context, topic, payload));
      return;
    }
    const group = context.registry.groupAt(topic);
    if (group === undefined) return;
    const { last } = this.#queue;
    if (last instanceof MessageFanOut && last.group === group && last.add(payload, position)) {
      this.#queue.grow(1, payload.length);
      return;
    }
    const fanOut = new MessageFanOut(context, group, topic);
    fanOut.add(payload, position);
    this.#queue.add(fanOut);
  }

  gap(topic: string, range?: { readonly from?: number; readonly to?: number }): void {
    const { registry } = this.#context;
    if (topic === this.#ownTopic) {
      this.#queue.add(new GapFanOut(this.#context, registry, directGap));
      return;
    }
    const group = registry.groupAt(topic);
    if (group === undefined) return;
    this.#queue.add(new GapFanOut(this.#context, group, Object.freeze({ group: group.name, ...range })));
  }

  error(error: Error): void {
    this.#context.report(error, { stage: "layer" });
  }

  /** Discards all waiting tasks and leaves no timer. Called after the registry is cleared. */
  close(): void {
    this.#queue.close();
  }
}
