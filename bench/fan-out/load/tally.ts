/** With several rooms, a message may be overtaken by this many times the messages in flight. */
const overtaking = 64;

/**
 * Checks that each member receives each message once, and the messages of each sender to one room in the order
 * sent. Consecutive messages of a sender go to consecutive rooms.
 */
export class Tally {
  readonly #members: number;
  readonly #senders: number;
  readonly #rooms: number;
  /** The number of the next expected message, by member, sender and room. */
  readonly #next: Uint32Array;
  /** The number of members that have not received a message, by sender and message in flight. */
  readonly #missing: Uint32Array;
  readonly #sent: Uint32Array;
  readonly #window: number;
  readonly #slots: number;

  /** @param window the maximum number of messages in flight per sender */
  constructor(members: number, senders: number, window: number, rooms = 1) {
    this.#members = members;
    this.#senders = senders;
    this.#window = window;
    this.#rooms = rooms;
    this.#slots = rooms === 1 ? window : overtaking * window;
    this.#next = Uint32Array.from({ length: members * senders * rooms }, (_, index) => index % rooms);
    this.#missing = new Uint32Array(senders * this.#slots);
    this.#sent = new Uint32Array(senders);
  }

  /** Counts a message as sent. @returns the number of the message */
  send(sender: number): number {
    const number = this.#sent[sender] ?? 0;
    const slot = this.slotOf(sender, number);
    if (this.#missing[slot] !== 0)
      throw new Error(`Sender ${sender} has more than ${this.#window} messages in flight.`);
    this.#missing[slot] = this.#members;
    this.#sent[sender] = number + 1;
    return number;
  }

  /**
   * Counts the arrival of a copy of a message.
   *
   * @returns whether this was the last copy of the message
   * @throws if the copy is not the next one of its sender, or was never sent
   */
  arrive(member: number, sender: number, number: number): boolean {
    const sent = this.#sent[sender];
    if (sent === undefined) throw new Error(`Member ${member} received a message of an unknown sender.`);
    const index = (member * this.#senders + sender) * this.#rooms + (number % this.#rooms);
    const expected = this.#next[index] ?? 0;
    if (number !== expected || number >= sent) {
      throw new Error(
        `Member ${member} received message ${number} of sender ${sender} ${faultOf(number, expected)}.`,
      );
    }
    this.#next[index] = number + this.#rooms;
    const slot = this.slotOf(sender, number);
    const missing = (this.#missing[slot] ?? 0) - 1;
    this.#missing[slot] = missing;
    return missing === 0;
  }

  /** The number of slots that {@link slotOf} needs. */
  get slots(): number {
    return this.#senders * this.#slots;
  }

  /** A place for a message in flight. */
  slotOf(sender: number, number: number): number {
    return sender * this.#slots + (number % this.#slots);
  }

  get missing(): number {
    return this.#missing.reduce((sum, count) => sum + count, 0);
  }
}

function faultOf(number: number, expected: number): string {
  if (number < expected) return "again";
  return number === expected ? "that was never sent" : `instead of ${expected}`;
}
