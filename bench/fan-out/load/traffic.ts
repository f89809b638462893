import type { Connection } from "../../harness/client/connection.ts";
import { messageText, numberIn, senderIn } from "../../harness/client/message-text.ts";
import { quantile } from "../../harness/results.ts";
import { Tally } from "./tally.ts";

export interface Load {
  /** The number of sending connections. */
  readonly senders: number;
  /** The number of messages in flight, of all senders together. Some senders have one more than others. */
  readonly inFlight: number;
  /** The number of rooms. All members are in all rooms, and consecutive messages go to consecutive rooms. */
  readonly rooms: number;
  /** The length of a text in bytes. */
  readonly size: number;
  readonly ms: number;
}

interface TrafficFigures {
  readonly deliveries: number;
  readonly seconds: number;
  readonly p50Ms: number;
  readonly p99Ms: number;
}

/** The maximum number of latencies that are kept. The oldest latencies are dropped. */
const samplesKept = 2 ** 21;
/** If nothing arrives for this long, the missing copies count as lost. */
const silenceMs = 10_000;

/**
 * Sends messages for the duration of a load and counts all copies.
 *
 * A message is in flight until the last member has received it, because a server may serve members in any
 * order. When the last member has received a message, its sender's next message is due. All messages that
 * become due in one turn are sent together, in one write per sender.
 *
 * @throws if a copy is lost, duplicated or out of order, or if a connection ends
 */
export class Traffic {
  readonly #members: readonly Connection[];
  readonly #load: Load;
  readonly #stride: number;
  readonly #tally: Tally;
  readonly #sentAt: Float64Array;
  readonly #samples = new Float64Array(samplesKept);
  readonly #due: number[] = [];
  #messages = 0;
  #arrived = 0;
  #onItsWay = 0;
  #endsAt = 0;
  #end: (error?: Error) => void = () => {};

  /** @param stride every `stride`-th member is a sender, up to `load.senders` senders */
  constructor(members: readonly Connection[], load: Load, stride: number) {
    this.#members = members;
    this.#stride = stride;
    this.#load = load;
    const window = Math.ceil(load.inFlight / load.senders);
    this.#tally = new Tally(members.length, load.senders, window, load.rooms);
    this.#sentAt = new Float64Array(this.#tally.slots);
  }

  async run(): Promise<TrafficFigures> {
    const ended = new Promise<void>((resolve, reject) => {
      this.#end = (error) => (error === undefined ? resolve() : reject(error));
    });
    for (const [member, connection] of this.#members.entries()) {
      connection.listen((...text) => this.#arrive(member, ...text), this.#end);
    }
    const watch = this.#watch();
    const from = performance.now();
    this.#endsAt = from + this.#load.ms;
    try {
      const { inFlight, senders } = this.#load;
      for (let count = 0; count < inFlight; count += 1) this.#due.push(count % senders);
      this.#flush();
      await ended;
    } finally {
      clearInterval(watch);
    }
    const seconds = (performance.now() - from) / 1_000;
    const samples = this.#samples.subarray(0, Math.min(this.#arrived, samplesKept)).sort();
    const [p50Ms, p99Ms] = [quantile(samples, 0.5), quantile(samples, 0.99)];
    return { deliveries: this.#arrived, seconds, p50Ms, p99Ms };
  }

  #watch(): NodeJS.Timeout {
    let before = -1;
    return setInterval(() => {
      const late = `${this.#tally.missing} copies are missing after ${silenceMs} ms of silence.`;
      if (this.#arrived === before) this.#end(new Error(late));
      before = this.#arrived;
    }, silenceMs);
  }

  #flush = () => {
    const { rooms, size } = this.#load;
    const frames = new Map<number, Buffer[]>();
    const now = performance.now();
    for (const sender of this.#due.splice(0)) {
      const number = this.#tally.send(sender);
      this.#sentAt[this.#tally.slotOf(sender, number)] = now;
      const text = messageText(this.#messages % rooms, sender, number, size);
      const frame = this.#sender(sender).frame(text);
      frames.set(sender, [...(frames.get(sender) ?? []), frame]);
      this.#messages += 1;
      this.#onItsWay += 1;
    }
    for (const [sender, own] of frames) this.#sender(sender).write(Buffer.concat(own));
  };

  #sender(index: number): Connection {
    const connection = this.#members[index * this.#stride];
    if (connection === undefined) throw new Error("There are fewer members than senders.");
    return connection;
  }

  #arrive(member: number, bytes: Buffer, start: number, end: number, atMs: number): void {
    if (end - start !== this.#load.size)
      throw new Error(`Member ${member} received a text of ${end - start} bytes.`);
    const [sender, number] = [senderIn(bytes, start), numberIn(bytes, start)];
    const isLast = this.#tally.arrive(member, sender, number);
    const sentAt = this.#sentAt[this.#tally.slotOf(sender, number)] ?? 0;
    this.#samples[this.#arrived % samplesKept] = atMs - sentAt;
    this.#arrived += 1;
    if (!isLast) return;
    this.#onItsWay -= 1;
    if (atMs < this.#endsAt) {
      if (this.#due.push(sender) === 1) setImmediate(this.#flush);
    } else if (this.#onItsWay === 0 && this.#due.length === 0) this.#end();
  }
}
