import type { Gap, Inbox, Mail, Message } from "../message.ts";
import { Watched } from "./waiting.ts";

/** An inbox that records its messages and gaps, and lets a spec wait for them. */
export class Recorder extends Watched implements Inbox {
  /** The messages, with their deliveries, in the order of their arrival. */
  readonly mails: Mail[] = [];
  /** The gaps, in the order of their arrival. */
  readonly gaps: Gap[] = [];

  /** The messages in the order of their arrival. */
  get messages(): Message[] {
    return this.mails.map(({ message }) => message);
  }

  /** The types of the messages. */
  get types(): string[] {
    return this.messages.map(({ type }) => type);
  }

  /** The property `number` of each message. */
  get numbers(): unknown[] {
    return this.messages.map(({ number }) => number);
  }

  /** Records a message. */
  deliver(mail: Mail): void {
    this.mails.push(mail);
    this.changed();
  }

  /** Records a gap. */
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
