import { WebSocketConsumer } from "greenroom";
import { mark } from "../../../protocol/control-frames.ts";
import { type Gate, gate } from "../../support/gate.ts";

/** The behaviour of a handler, which is the first word of its command. */
export const commandKinds = ["plain", "late", "reply", "throw", "forged"] as const;
export type CommandKind = (typeof commandKinds)[number];

/** The text of a command. A forged one looks like a control frame. */
export const commandText = (kind: CommandKind, index: number): string =>
  kind === "forged" ? `${mark}{"c":"bye","index":"${index}"}` : `${kind} ${index}`;

const indexOf = (text: string): number => Number(/(\d+)\D*$/.exec(text)?.[1]);

/** The frames that one client exchanges with the server in one run of the spec. */
export class Exchange {
  readonly actors: NumberedConsumer[] = [];
  /** The commands whose handlers have begun, in order. */
  readonly begun: number[] = [];
  /** The commands whose handlers have settled. */
  readonly handled = new Set<number>();
  /** Handlers of late commands wait for it. */
  gate: Gate = gate();

  /** Lets all handlers go on that wait now. */
  open(): void {
    this.gate.open();
    this.gate = gate();
  }
}

/** Sends numbered frames: `<actor>.<number>`, where the first of each actor has the number 1. */
export class NumberedConsumer extends WebSocketConsumer {
  static override readonly session = { maxFrames: 12 };
  static readonly exchanges = new Map<string, Exchange>();
  readonly exchange = NumberedConsumer.exchanges.get(this.scope.path.slice("/ws/".length)) ?? new Exchange();
  sent = 0;
  hasEnded = false;
  #name = 0;

  override connect(): void {
    this.accept();
    this.#name = this.exchange.actors.push(this);
    this.sendNext();
  }

  override async receive(text: string): Promise<void> {
    const index = indexOf(text);
    this.exchange.begun.push(index);
    try {
      if (text.startsWith("late")) await this.exchange.gate.opened;
      if (text.startsWith("throw")) throw new Error("thrown on purpose");
      if (text.startsWith("reply")) this.sendNext();
    } finally {
      this.exchange.handled.add(index);
    }
  }

  override disconnect(): void {
    this.hasEnded = true;
  }

  /** Every third frame looks like a control frame. */
  sendNext(): void {
    if (this.hasEnded) return;
    this.sent += 1;
    this.send(`${this.sent % 3 === 0 ? mark : ""}${this.#name}.${this.sent}`);
  }
}
