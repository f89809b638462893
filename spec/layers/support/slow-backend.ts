import type { Backend, Capabilities, Health } from "../../../layers/backend.ts";

interface Question {
  readonly topic: string;
  readonly answer: (isGranted: boolean) => void;
}

/** A backend whose subscriptions take effect when a spec says so, and that checks how it is used. */
export class SlowBackend implements Backend {
  readonly capabilities: Capabilities = {
    delivery: "at-most-once",
    crossProcess: false,
    history: false,
    workers: false,
  };
  readonly health: Health = { ok: true };
  /** What is subscribed. */
  readonly live = new Set<string>();
  /** How often each topic was subscribed. */
  readonly subscriptions: string[] = [];
  /** How the contract of a backend was broken. */
  readonly violations: string[] = [];
  /** What has been asked and not answered. */
  readonly questions: Question[] = [];

  async open(): Promise<void> {}
  async publish(): Promise<void> {}
  async close(): Promise<void> {}

  subscribe(topic: string): Promise<void> {
    if (this.live.has(topic)) this.violations.push(`"${topic}" is subscribed already.`);
    this.subscriptions.push(topic);
    return this.#ask(topic, () => this.live.add(topic));
  }

  unsubscribe(topic: string): Promise<void> {
    if (!this.live.has(topic)) this.violations.push(`"${topic}" is not subscribed.`);
    return this.#ask(topic, () => this.live.delete(topic), false);
  }

  /** Answers the oldest question, if there is one, and lets what follows from it happen. */
  async answer(isGranted = true): Promise<void> {
    this.questions.shift()?.answer(isGranted);
    await new Promise((resolve) => setImmediate(resolve));
  }

  #ask(topic: string, take: () => void, mayBeRefused = true): Promise<void> {
    if (this.questions.some((question) => question.topic === topic)) {
      this.violations.push(`"${topic}" is asked about twice at once.`);
    }
    return new Promise((resolve, reject) => {
      const answer = (isGranted: boolean) => {
        if (mayBeRefused && !isGranted) reject(new Error("refused"));
        else resolve(void take());
      };
      this.questions.push({ topic, answer });
    });
  }
}
