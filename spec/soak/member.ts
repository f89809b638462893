import { type Client, connect } from "greenroom/client";
import { WebSocket } from "ws";
import { Ledger } from "../faults/support/ledger.ts";
import { until } from "../layers/support/until.ts";
import { lobby, room } from "./rooms.ts";

/** Unanswered asks of a member. Beyond this number, it sends nothing more for the time being. */
const maxPending = 20;
const askMs = 15_000;

/** A client in a room, that says numbers and keeps a ledger of what each member of its room says. */
export class Member {
  readonly name: string;
  /** The numbers whose asks were answered, so that they were sent to the group. */
  readonly accepted: number[] = [];
  rejected = 0;
  readonly ledgers = new Map<string, Ledger>();
  readonly #client: Client<typeof room> | Client<typeof lobby>;
  #next = 0;
  #pending = 0;

  constructor(url: string, name: string, kind: "room" | "lobby", roomName: string) {
    this.name = name;
    const options = { url, params: { name: roomName }, WebSocket };
    this.#client = kind === "room" ? connect(room, options) : connect(lobby, options);
    this.#client.on("said", ({ from, number }) => this.#ledgerOf(from).lines.push(number));
    this.#client.on("missed", () => this.#noteGap());
    this.#client.onGap(() => this.#noteGap());
    this.#client.onError(() => {});
  }

  #ledgerOf(from: string): Ledger {
    const ledger = this.ledgers.get(from) ?? new Ledger();
    this.ledgers.set(from, ledger);
    return ledger;
  }

  #noteGap(): void {
    for (const ledger of this.ledgers.values()) ledger.lines.push("gap");
  }

  get isJoined(): boolean {
    return this.#client.status.state === "joined";
  }

  get isIdle(): boolean {
    return this.#pending === 0;
  }

  get gaps(): number {
    return Math.max(0, ...[...this.ledgers.values()].map(({ gaps }) => gaps));
  }

  hears(member: Member): void {
    this.#ledgerOf(member.name);
  }

  /** Says the next number, unless too many asks are pending. @returns the number, if it was accepted. */
  async say(): Promise<number | undefined> {
    if (this.#pending >= maxPending) return undefined;
    const number = this.#next;
    this.#next += 1;
    this.#pending += 1;
    try {
      await this.#client.ask("say", { from: this.name, number }, { timeoutMs: askMs });
      this.accepted.push(number);
      return number;
    } catch {
      this.rejected += 1;
      return undefined;
    } finally {
      this.#pending -= 1;
    }
  }

  /** Says numbers until one is accepted. */
  async sayLast(): Promise<number> {
    for (;;) {
      await until(() => this.isJoined);
      const number = await this.say();
      if (number !== undefined) return number;
    }
  }

  async close(): Promise<void> {
    await this.#client.close();
  }
}
