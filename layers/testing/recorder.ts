import type { Gap, Inbox, Mail, Message } from "../contract.ts";

/** An inbox that keeps what it gets, and lets a spec wait for it. */
export class Recorder implements Inbox {
  readonly mails: Mail[] = [];
  readonly gaps: Gap[] = [];
  readonly #waiting = new Set<() => void>();

  get messages(): Message[] {
    return this.mails.map(({ message }) => message);
  }

  get types(): string[] {
    return this.messages.map(({ type }) => type);
  }

  deliver(mail: Mail): void {
    this.mails.push(mail);
    for (const check of this.#waiting) check();
  }

  gap(gap: Gap): void {
    this.gaps.push(gap);
    for (const check of this.#waiting) check();
  }

  /** Resolves once a message of `type` has come, with that message. */
  async next(type: string): Promise<Message> {
    await this.until(() => this.types.includes(type));
    const message = this.messages.find((candidate) => candidate.type === type);
    if (message === undefined) throw new Error(`No message of type "${type}".`);
    return message;
  }

  /** Resolves once `holds` does, which is asked again whenever something comes. */
  until(holds: () => boolean): Promise<void> {
    return new Promise((resolve) => {
      const check = () => {
        if (!holds()) return;
        this.#waiting.delete(check);
        resolve();
      };
      this.#waiting.add(check);
      check();
    });
  }
}
