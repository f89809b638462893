import type { BackendListener } from "../backend.ts";
import type { Gap, Position } from "../message.ts";
import type { Lane } from "../scheduling/lane.ts";
import { Backlog, DeliveryQueue } from "./delivery-queue.ts";
import { type DeliveryContext, DirectDelivery, GapFanOut, MessageFanOut } from "./fan-out.ts";
import type { Group } from "./group.ts";

const directGap: Gap = Object.freeze({});

/**
 * Delivers a backend's payloads and gaps, to each group in the order of arrival. Groups take turns, so a
 * large group does not delay a small one. Never throws.
 */
export class Receiver implements BackendListener {
  readonly #ownTopic: string;
  readonly #context: DeliveryContext;
  readonly #backlog: Backlog;
  /** The deliveries to single channels of this node. */
  readonly #direct: DeliveryQueue;

  /** @param ownTopic the topic of direct sends to this node's channels. */
  constructor(ownTopic: string, context: DeliveryContext, lane: () => Lane) {
    this.#ownTopic = ownTopic;
    this.#context = context;
    this.#backlog = new Backlog(lane, context.metrics);
    this.#direct = new DeliveryQueue(this.#backlog);
  }

  get waiting(): number {
    return this.#backlog.size;
  }

  payload(topic: string, payload: Uint8Array, position?: Position): void {
    const context = this.#context;
    context.metrics.received += 1;
    if (topic === this.#ownTopic) {
      this.#direct.add(new DirectDelivery(context, topic, payload));
      return;
    }
    const group = context.registry.groupAt(topic);
    if (group === undefined) return;
    const deliveries = this.#deliveriesTo(group);
    const { last } = deliveries;
    if (last instanceof MessageFanOut && last.add(payload, position)) {
      deliveries.grow(1, payload.length);
      return;
    }
    const fanOut = new MessageFanOut(context, group, topic);
    fanOut.add(payload, position);
    deliveries.add(fanOut);
  }

  gap(topic: string, range?: { readonly from?: number; readonly to?: number }): void {
    const { metrics, registry } = this.#context;
    if (topic === this.#ownTopic) {
      metrics.gaps += 1;
      this.#direct.add(new GapFanOut(this.#context, registry, directGap));
      return;
    }
    const group = registry.groupAt(topic);
    if (group === undefined) return;
    metrics.gaps += 1;
    const gap = Object.freeze({ group: group.name, ...range });
    this.#deliveriesTo(group).add(new GapFanOut(this.#context, group, gap));
  }

  error(error: Error): void {
    this.#context.report(error, { stage: "layer" });
  }

  room(): Promise<void> | undefined {
    return this.#backlog.room;
  }

  drained(topic: string): Promise<void> | undefined {
    const deliveries =
      topic === this.#ownTopic ? this.#direct : this.#context.registry.groupAt(topic)?.deliveries;
    return deliveries?.drained;
  }

  /** Discards all waiting deliveries. Called after the registry is cleared. */
  close(): void {
    this.#backlog.close();
  }

  #deliveriesTo(group: Group): DeliveryQueue {
    group.deliveries ??= new DeliveryQueue(this.#backlog);
    return group.deliveries;
  }
}
