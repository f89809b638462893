import { type Scope, WebSocketConsumer } from "greenroom";
import { type Gate, gate } from "../../support/gate.ts";

/** Records the frames of its client, and sends numbered ones: `<actor>.<number>`, each from 1. */
export class Counting extends WebSocketConsumer {
  static all: Counting[] = [];
  /** The frames of clients that handlers have begun with, in order. Bytes are recorded as their length. */
  static took: string[] = [];
  /** The handler of the text `wait` waits for it. */
  static gate: Gate = gate();

  static reset(): void {
    Counting.all = [];
    Counting.took = [];
    Counting.gate = gate();
  }

  /** The actor that came last. */
  static get newest(): Counting | undefined {
    return Counting.all.at(-1);
  }

  /** The frames of its client. */
  readonly took: string[] = [];
  sent = 0;
  isAway = false;
  exit: string | undefined;
  #name = 0;

  override connect(): void {
    this.accept();
    this.#name = Counting.all.push(this);
  }

  override async receive(text: string): Promise<void> {
    Counting.took.push(text);
    this.took.push(text);
    if (text === "wait") await Counting.gate.opened;
    if (text.startsWith("close")) this.close(4001, "enough");
  }

  override receiveBinary(bytes: Uint8Array): void {
    Counting.took.push(`${bytes.length} bytes`);
    this.send(bytes);
  }

  override onAway(): void {
    this.isAway = true;
  }

  override onOnline(_scope: Scope): void {
    this.isAway = false;
  }

  override disconnect(code: number, exit: { readonly by: string }): void {
    this.exit = `${code} by ${exit.by}`;
  }

  /** The last frame that was sent. */
  get last(): string {
    return `${this.#name}.${this.sent}`;
  }

  /** Sends the next frames. */
  count(frames = 1): void {
    for (let left = frames; left > 0; left -= 1) {
      this.sent += 1;
      this.send(this.last);
    }
  }
}
