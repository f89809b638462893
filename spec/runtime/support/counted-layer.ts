import { ChannelLayer, type Inbox, MemoryBus } from "greenroom";
import { MemoryBackend } from "../../../layers/memory/memory-backend.ts";

const prefix = "spec";

/** Knows what it is subscribed to, and lets a spec hold back what is asked of it. */
class CountedBackend extends MemoryBackend {
  readonly topics = new Set<string>();
  /** Awaited before each subscription. */
  hold: Promise<void> | undefined;
  /** How many subscriptions wait for that. */
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
  /** All that were ever made here. */
  readonly channels: string[] = [];

  constructor() {
    const backend = new CountedBackend();
    super(backend, { prefix });
    this.backend = backend;
  }

  /** What it is subscribed to: groups with members, and its own topic. */
  get topics(): string[] {
    return [...this.backend.topics].sort();
  }

  override async newChannel(inbox: Inbox): Promise<string> {
    const channel = await super.newChannel(inbox);
    this.channels.push(channel);
    return channel;
  }

  /** Those of `channels` that a message still gets into. */
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
