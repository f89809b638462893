/** Subscribes and unsubscribes channels at the server. */
export interface PresenceCommands {
  subscribe(channel: string): Promise<void>;
  unsubscribe(channel: string): Promise<void>;
}

/**
 * The channels to which this process listens as a member of kinds. The server drops these subscriptions as soon as
 * the process dies, which shows the other members that it is gone.
 */
export class Presences {
  readonly #commands: () => PresenceCommands;
  readonly #channels = new Map<string, { readonly kind: string; readonly subscribed: Promise<void> }>();

  constructor(commands: () => PresenceCommands) {
    this.#commands = commands;
  }

  /** Resolves once the channel is subscribed. */
  async add(kind: string, channel: string): Promise<void> {
    let presence = this.#channels.get(channel);
    if (presence === undefined) {
      presence = { kind, subscribed: this.#commands().subscribe(channel) };
      this.#channels.set(channel, presence);
    }
    try {
      await presence.subscribed;
    } catch (error) {
      if (this.#channels.get(channel) === presence) this.#channels.delete(channel);
      throw error;
    }
  }

  async remove(kind: string, channel: string): Promise<void> {
    const presence = this.#channels.get(channel);
    if (presence?.kind !== kind) return;
    this.#channels.delete(channel);
    await presence.subscribed.catch(() => {});
    await this.#commands().unsubscribe(channel);
  }

  /** Removes the channels of a kind. */
  async removeAll(kind: string): Promise<void> {
    const channels = [...this.#channels].flatMap(([channel, presence]) =>
      presence.kind === kind ? [channel] : [],
    );
    await Promise.all(channels.map((channel) => this.remove(kind, channel)));
  }
}
