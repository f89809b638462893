import type { Gap, Inbox, Mail, Message } from "../message.ts";
import { Watched } from "./waiting.ts";

/** An inbox that records its messages and gaps, and lets a spec wait for them. */
export class Recorder extends Watched implements Inbox {
  readonly mails: Mail[] = [];
  readonly gaps: Gap[] = [];

  get messages(): Message[] {
    return this.mails.map(({ message }) => message);
  }

  get types(): string[] {
    return this.messages.map(({ type }) => type);
  }

  get numbers(): unknown[] {
    return this.messages.map(({ number }) => number);
  }

  deliver(mail: Mail): void {
    this.mails.push(mail);
    this.changed();
  }

  gap(gap: Gap): void {
    this.gaps.push(gap);
    this.changed();
  }

  /** Resolves to the first message of `type`, once it has arrived. */
  async next(type: string): Promise<Message> {
    await this.until(() => this.types.includes(type));
    const message = this.messages.find((candidate) => candidate.type === type);
    if (message === undefined) throw new Error(`No message of type "${type}".`);
    return message;
  }
}
