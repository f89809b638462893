import type { Exit, Scope } from "../../actors/index.ts";
import { runOwned } from "../../layers/async-errors.ts";
import type { JobDelivery } from "../../layers/backend.ts";
import type { ChannelLayer } from "../../layers/channel-layer.ts";
import type { Clock } from "../../layers/clock.ts";
import { CallbackOwner, type ErrorListener } from "../../layers/error-reporter.ts";
import { escapeControls } from "../../layers/escape-controls.ts";
import type { NamedEvent } from "../../named/context.ts";
import { timeOf } from "../deadline.ts";
import type { Refusal } from "../http-response.ts";
import type { Observed } from "../inspection-hooks.ts";
import type { CountedLimit } from "../limits/limits.ts";
import { truncate } from "../truncate.ts";
import { HealthWatch } from "./health-watch.ts";
import { channels, type RuntimeEventName, type RuntimeEvents } from "./runtime-events.ts";

type EventActor = Pick<Observed, "machine" | "Consumer" | "scope" | "since">;

/** An event without the fields that {@link EventPublisher} adds. */
type Facts<N extends RuntimeEventName> = Omit<RuntimeEvents[N], "runtime">;

/** A refusal, with a status unless the request was not a well-formed upgrade. */
export type EventRefusal = Pick<Refusal, "reason"> & Partial<Pick<Refusal, "status">>;

/** The client of a refused request. */
interface RefusedClient extends Pick<Scope, "path" | "clientAddress"> {
  readonly consumer?: string;
}

const limitIntervalMs = 1_000;
const maxTextLength = 500;

/** Publishes {@link RuntimeEvents}. An event object is created only if its channel has a subscriber. */
export class EventPublisher {
  readonly #node: () => string;
  readonly #clock: Clock;
  readonly #owner: CallbackOwner;
  /** For each limit: the time of its next event, and the hits that no event has told yet. */
  readonly #limits = new Map<CountedLimit, { nextAt: number; hits: number }>();
  #healthWatch: HealthWatch | undefined;

  /**
   * @param node returns the id of the runtime's node.
   * @param report receives the errors of subscribers. It MUST NOT publish events, because these could fail, too.
   */
  constructor(node: () => string, clock: Clock, report: ErrorListener) {
    this.#node = node;
    this.#clock = clock;
    this.#owner = new CallbackOwner(report, { stage: "event" });
  }

  joined(actor: EventActor): void {
    if (channels["greenroom:connection.joined"].hasSubscribers)
      this.#publish("greenroom:connection.joined", factsOf(actor));
  }

  /** Called with the exit of every connection, also of one that has not joined. */
  ended(actor: EventActor, exit: Exit, wasJoined: boolean): void {
    const { code, reason, by, status } = exit;
    if (status !== undefined) {
      const { path, clientAddress } = actor.scope;
      this.refused({ status, reason }, { path, clientAddress, consumer: actor.Consumer.name });
    } else if (wasJoined && channels["greenroom:connection.closed"].hasSubscribers) {
      const durationMs = Math.round(timeOf(this.#clock)) - actor.since;
      this.#publish("greenroom:connection.closed", { ...factsOf(actor), code, reason, by, durationMs });
    }
  }

  refused({ status, reason }: EventRefusal, { path, clientAddress: address, consumer }: RefusedClient): void {
    if (channels["greenroom:connection.refused"].hasSubscribers)
      this.#publish("greenroom:connection.refused", { status, reason, path, address, consumer });
  }

  away(actor: EventActor, code: number, reason: string): void {
    if (channels["greenroom:session.away"].hasSubscribers)
      this.#publish("greenroom:session.away", { ...factsOf(actor), code, reason });
  }

  /** @param scope describes the request with which the client came back. */
  resumed(actor: EventActor, scope: Scope): void {
    if (channels["greenroom:session.resumed"].hasSubscribers)
      this.#publish("greenroom:session.resumed", { ...factsOf(actor), address: scope.clientAddress });
  }

  limited(limit: CountedLimit): void {
    if (!channels["greenroom:limit"].hasSubscribers) return;
    const now = timeOf(this.#clock);
    const { nextAt, hits } = this.#limits.get(limit) ?? { nextAt: now, hits: 0 };
    const isDue = now >= nextAt;
    this.#limits.set(limit, isDue ? { nextAt: now + limitIntervalMs, hits: 0 } : { nextAt, hits: hits + 1 });
    if (isDue) this.#publish("greenroom:limit", { limit, hits: hits + 1 });
  }

  failed(error: unknown, where: Parameters<ErrorListener>[1]): void {
    if (channels["greenroom:error"].hasSubscribers) this.#publish("greenroom:error", { ...where, error });
  }

  jobFailed(channel: string, { job, attempt }: JobDelivery, error: unknown): void {
    if (channels["greenroom:job.failed"].hasSubscribers)
      this.#publish("greenroom:job.failed", { channel, job, attempt, error });
  }

  nodeJoined({ id: node }: { readonly id: string }): void {
    if (channels["greenroom:node.joined"].hasSubscribers) this.#publish("greenroom:node.joined", { node });
  }

  nodeLeft({ id: node }: { readonly id: string }): void {
    if (channels["greenroom:node.left"].hasSubscribers) this.#publish("greenroom:node.left", { node });
  }

  named(event: NamedEvent): void {
    if (channels["greenroom:named"].hasSubscribers) this.#publish("greenroom:named", event);
  }

  /** Begins to publish the changes of the health of `layers`, if a subscriber wants them. */
  watchHealth(layers: Readonly<Record<string, Pick<ChannelLayer, "health">>>): void {
    if (this.#healthWatch !== undefined || !channels["greenroom:layer.health"].hasSubscribers) return;
    this.#healthWatch = new HealthWatch(layers, this.#clock, (change) =>
      this.#publish("greenroom:layer.health", change),
    );
  }

  draining(connections: number): void {
    this.#healthWatch?.stop();
    if (channels["greenroom:runtime.draining"].hasSubscribers)
      this.#publish("greenroom:runtime.draining", { connections });
  }

  /** Resolves when the errors of the subscribers have been reported. */
  async closed(): Promise<void> {
    if (!channels["greenroom:runtime.closed"].hasSubscribers) return;
    this.#publish("greenroom:runtime.closed", {});
    await new Promise((resolve) => setImmediate(resolve));
  }

  #publish<N extends RuntimeEventName>(name: N, facts: Facts<N>): void {
    const event = { runtime: this.#node(), ...facts };
    // Node throws the error of a subscriber in a tick of its own, whose async context has this owner.
    runOwned(this.#owner, () => channels[name].publish(withPlainTexts(event)));
  }
}

function factsOf({ machine, Consumer, scope }: EventActor): Facts<"greenroom:connection.joined"> {
  return {
    actor: machine.sessionId,
    consumer: Consumer.name,
    path: scope.path,
    address: scope.clientAddress,
  };
}

/** Cuts the long texts of an event, and escapes their control characters. */
function withPlainTexts(event: object): object {
  const plain: Record<string, unknown> = {};
  for (const [name, value] of Object.entries(event) as [string, unknown][]) {
    plain[name] = typeof value === "string" ? escapeControls(shortened(value)) : value;
  }
  return plain;
}

const shortened = (text: string) => (text.length > maxTextLength ? truncate(text, maxTextLength) : text);
