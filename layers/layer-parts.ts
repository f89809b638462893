import { randomBytes } from "node:crypto";
import { runOwned, watchAsyncErrors } from "./async-errors.ts";
import type { Backend, Health } from "./backend.ts";
import { LayerMetrics } from "./counters.ts";
import { LocalChannelRegistry } from "./delivery/channel-registry.ts";
import { Receiver } from "./delivery/receiver.ts";
import { CallbackOwner, createReporter, type ErrorListener } from "./error-reporter.ts";
import { JobQueues } from "./jobs/job-queues.ts";
import { LayerState } from "./layer-state.ts";
import { Lifecycle } from "./lifecycle.ts";
import { MessageSender, type OutgoingMessage } from "./message-sender.ts";
import type { ChannelLayerOptions } from "./options.ts";
import type { Lane } from "./scheduling/lane.ts";
import { TurnScheduler } from "./scheduling/turn-scheduler.ts";
import { createEncryption, type Encryption } from "./wire/encryption.ts";
import { PayloadDecoder } from "./wire/payload-decoder.ts";
import { Topics } from "./wire/topics.ts";

/** The parts of one node of a layer. */
export class LayerParts {
  readonly backend: Backend;
  readonly decoder: PayloadDecoder;
  readonly encryption: Encryption;
  readonly lifecycle: Lifecycle;
  readonly metrics = new LayerMetrics();
  readonly queues: JobQueues;
  readonly receiver: Receiver;
  readonly registry: LocalChannelRegistry;
  readonly sender: MessageSender;
  readonly state: LayerState;
  readonly topics: Topics;
  /** Owns the inboxes, except those of actors, which own themselves. */
  readonly #owner: CallbackOwner;
  #lane: Lane | undefined;
  #ownsAsyncErrors: boolean;
  #unwatch = () => {};

  /**
   * @param onError returns the listener for errors that no caller receives.
   * @throws as the constructor of `ChannelLayer` does.
   */
  constructor(
    node: string,
    backend: Backend,
    options: ChannelLayerOptions,
    onError: () => ErrorListener | undefined,
  ) {
    const { metrics } = this;
    const report = createReporter(onError);
    const topics = new Topics(options.prefix);
    this.#owner = new CallbackOwner(report, { stage: "layer" });
    this.#ownsAsyncErrors = options.ownAsyncErrors ?? true;
    this.backend = backend;
    this.topics = topics;
    this.encryption = createEncryption(options.encryption);
    this.decoder = new PayloadDecoder(this.encryption, metrics, report);
    this.registry = new LocalChannelRegistry(node, topics, backend, (error) =>
      report(error, { stage: "layer" }),
    );
    const { decoder, registry } = this;
    const context = { decoder, registry, metrics, report, tracer: () => this.sender.tracer };
    this.receiver = new Receiver(topics.node(node), context, () => this.lane);
    this.queues = new JobQueues(backend.queues, topics, options, context);
    this.lifecycle = new Lifecycle({
      open: async () => {
        if (this.#ownsAsyncErrors) this.#unwatch = watchAsyncErrors();
        try {
          await backend.open(this.receiver);
        } catch (error) {
          this.#unwatch();
          throw error;
        }
      },
      close: async () => {
        await this.queues.close();
        await this.state.close();
        await backend.close();
        this.#unwatch();
      },
    });
    const { encryption, lifecycle } = this;
    this.sender = new MessageSender(lifecycle, encryption, metrics);
    this.state = new LayerState(backend.state, { prefix: options.prefix, lifecycle, encryption, report });
  }

  get health(): Health {
    const { state } = this.lifecycle;
    if (state === "open") return this.backend.health;
    return { ok: false, reason: state === "closed" ? "The layer is closed." : "The layer is not open yet." };
  }

  /** Decides when the layer delivers. */
  get lane(): Lane {
    // Created for the first delivery, because in a process that only sends, owned work would cost time.
    this.#lane ??= runOwned(this.#owner, () => new TurnScheduler().lane());
    return this.#lane;
  }

  set lane(lane: Lane) {
    this.#lane = lane;
  }

  disownAsyncErrors(): void {
    this.#ownsAsyncErrors = false;
    this.#unwatch();
  }

  /** See {@link ChannelLayer.secret}. */
  async secret(): Promise<Uint8Array | undefined> {
    const stored = await this.lifecycle.run(() => this.backend.history?.secret?.(randomBytes(32)));
    return stored && this.encryption.derive(stored);
  }

  /** Sends a message to its topic of the backend. */
  publish(outgoing: OutgoingMessage): Promise<void> {
    return this.sender.send(outgoing, (payload) => this.backend.publish(outgoing.topic, payload));
  }
}
