import type { Backend, Capabilities, Health } from "../../../layers/backend.ts";

interface Request {
  readonly topic: string;
  readonly answer: (isGranted: boolean) => void;
}

/** A backend whose subscriptions take effect when a spec says so. Checks the rules of a backend's caller. */
export class SlowBackend implements Backend {
  readonly capabilities: Capabilities = {
    delivery: "at-most-once",
    crossProcess: false,
    history: false,
    workers: false,
    state: false,
  };
  readonly health: Health = { ok: true };
  /** The subscribed topics. */
  readonly live = new Set<string>();
  /** The topic of each call of `subscribe`. */
  readonly subscriptions: string[] = [];
  /** Broken rules. */
  readonly violations: string[] = [];
  readonly requests: Request[] = [];

  async open(): Promise<void> {}
  async publish(): Promise<void> {}
  async close(): Promise<void> {}

  subscribe(topic: string): Promise<void> {
    if (this.live.has(topic)) this.violations.push(`"${topic}" is subscribed already.`);
    this.subscriptions.push(topic);
    return this.#request(topic, () => this.live.add(topic));
  }

  unsubscribe(topic: string): Promise<void> {
    if (!this.live.has(topic)) this.violations.push(`"${topic}" is not subscribed.`);
    return this.#request(topic, () => this.live.delete(topic), false);
  }

  /** Settles the oldest pending request, if there is one, and waits for the consequences. */
  async answer(isGranted = true): Promise<void> {
    this.requests.shift()?.answer(isGranted);
    await new Promise((resolve) => setImmediate(resolve));
  }

  #request(topic: string, apply: () => void, mayBeRefused = true): Promise<void> {
    if (this.requests.some((request) => request.topic === topic)) {
      this.violations.push(`"${topic}" has two pending requests.`);
    }
    return new Promise((resolve, reject) => {
      const answer = (isGranted: boolean) => {
        if (mayBeRefused && !isGranted) reject(new Error("refused"));
        else resolve(void apply());
      };
      this.requests.push({ topic, answer });
    });
  }
}
