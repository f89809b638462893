import { ChannelLayer, type Inbox, MemoryBus } from "greenroom";
import { MemoryBackend } from "../../../layers/memory/memory-backend.ts";

const prefix = "spec";

/** Lists its subscriptions, and lets a spec delay them. */
class CountedBackend extends MemoryBackend {
  readonly topics = new Set<string>();
  /** Awaited before each subscription. */
  hold: Promise<void> | undefined;
  /** The number of subscriptions that await `hold`. */
  held = 0;

  constructor() {
    super(new MemoryBus(), prefix);
  }

  override async subscribe(topic: string): Promise<void> {
    this.held += 1;
    await this.hold;
    this.held -= 1;
    await super.subscribe(topic);
    this.topics.add(topic);
  }

  override async unsubscribe(topic: string): Promise<void> {
    await super.unsubscribe(topic);
    this.topics.delete(topic);
  }
}

/** A memory layer whose channels and subscriptions can be counted. */
export class CountedLayer extends ChannelLayer {
  readonly backend: CountedBackend;
  /** All channels ever created. */
  readonly channels: string[] = [];

  constructor() {
    const backend = new CountedBackend();
    super(backend, { prefix });
    this.backend = backend;
  }

  /** The subscribed topics: groups with members, and the layer's own topic. */
  get topics(): string[] {
    return [...this.backend.topics].sort();
  }

  override async newChannel(inbox: Inbox): Promise<string> {
    const channel = await super.newChannel(inbox);
    this.channels.push(channel);
    return channel;
  }

  /** The given channels that still receive messages. */
  async living(channels: readonly string[]): Promise<string[]> {
    const living: string[] = [];
    for (const channel of channels) {
      const before = this.counters().dropped["no-channel"];
      await this.send(channel, { type: "ghost" });
      while (this.inFlight > 0) await new Promise((resolve) => setImmediate(resolve));
      if (this.counters().dropped["no-channel"] === before) living.push(channel);
    }
    return living;
  }

  override get inFlight(): number {
    return this.backend.inFlight;
  }
}
