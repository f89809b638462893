import type { Client } from "./client.ts";

/** A frame of the server. Specs check it by comparison. */
export interface TalkFrame {
  readonly type: string;
  readonly [key: string]: unknown;
}

/** A client of `/ws/talk/:room`. Frames of different types may arrive in any order: each type has a queue. */
export class TalkClient {
  readonly client: Client;
  readonly welcome: TalkFrame;
  readonly #skipped: TalkFrame[] = [];

  private constructor(client: Client, welcome: TalkFrame) {
    this.client = client;
    this.welcome = welcome;
  }

  /** Reads the first frame of the connection, which is the welcome. */
  static async of(client: Client): Promise<TalkClient> {
    return new TalkClient(client, JSON.parse(String(await client.next())));
  }

  get key(): string {
    return String(this.welcome.key);
  }

  send(type: string, fields: object = {}): void {
    this.client.send(JSON.stringify({ type, ...fields }));
  }

  /** Resolves with the next frame of `type`. */
  async next(type: string): Promise<TalkFrame> {
    const index = this.#skipped.findIndex((frame) => frame.type === type);
    const [known] = index === -1 ? [] : this.#skipped.splice(index, 1);
    if (known !== undefined) return known;
    for (;;) {
      const frame: TalkFrame = JSON.parse(String(await this.client.next()));
      if (frame.type === type) return frame;
      this.#skipped.push(frame);
    }
  }

  async texts(count: number): Promise<unknown[]> {
    const texts: unknown[] = [];
    while (texts.length < count) texts.push((await this.next("said")).text);
    return texts;
  }

  /** The types of the frames that arrived and that no spec has read. */
  get unread(): string[] {
    return this.#skipped.map(({ type }) => type);
  }
}
