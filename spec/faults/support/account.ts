import { expect } from "chai";
import type { ChannelLayer } from "../../../layers/channel-layer.ts";
import type { Gap, Inbox, Mail } from "../../../layers/message.ts";
import { Recorder } from "../../../layers/testing/index.ts";
import { until } from "../../layers/support/until.ts";
import { pauses } from "../../support/waiting.ts";

/** A member of one group that records its messages and gaps in order. */
export class Account extends Recorder implements Inbox {
  readonly items: (Mail | Gap)[] = [];

  override deliver(mail: Mail): void {
    this.items.push(mail);
    super.deliver(mail);
  }

  /** Ignores gaps in direct sends. */
  override gap(gap: Gap): void {
    if (gap.group === undefined) return;
    this.items.push(gap);
    super.gap(gap);
  }

  override get numbers(): number[] {
    return this.messages.flatMap(({ number }) => (typeof number === "number" ? [number] : []));
  }

  /**
   * Compares the record with the numbers sent. Each number and each offset must have arrived once and in
   * order, or lie in a gap that was reported between its neighbours.
   */
  check(sent: readonly number[]): void {
    const owed = new Set(sent);
    let last = { number: -1, offset: 0, epoch: "" };
    let gaps: Gap[] = [];
    for (const item of this.items) {
      if (!("message" in item)) {
        gaps.push(item);
        continue;
      }
      const { offset = 0, epoch = "" } = item.delivery;
      const number = Number(item.message.number);
      expect(number, "twice, or out of order").to.be.greaterThan(last.number);
      const isCovered = gaps.some(({ from }) => from === undefined);
      if (last.epoch !== "" && !isCovered) {
        expect(epoch, "another epoch without a gap").to.equal(last.epoch);
        for (let missing = last.offset + 1; missing < offset; missing += 1) {
          const isTold = gaps.some(({ from = 0, to = 0 }) => from <= missing && missing <= to);
          expect(isTold, `offset ${missing} is lost silently`).to.equal(true);
        }
      }
      if (gaps.length === 0) {
        for (let missing = last.number + 1; missing < number; missing += 1) {
          expect(owed.has(missing), `number ${missing} is lost silently`).to.equal(false);
        }
      }
      last = { number, offset, epoch };
      gaps = [];
    }
  }
}

/** Adds an account to a group. */
export async function open(layer: ChannelLayer, group: string): Promise<Account> {
  const account = new Account();
  await layer.groupAdd(group, await layer.newChannel(account));
  return account;
}

/** Sends numbered messages to groups, one after the other, until it is stopped. */
export class Traffic {
  /** The numbers whose sends resolved. */
  readonly sent: number[] = [];
  readonly #layer: ChannelLayer;
  readonly #groups: readonly string[];
  readonly #running: Promise<void>;
  #next = 0;
  #isStopping = false;

  constructor(layer: ChannelLayer, ...groups: readonly string[]) {
    this.#layer = layer;
    this.#groups = groups;
    this.#running = this.#run();
    // The rejection is reported by `stop`.
    this.#running.catch(() => {});
  }

  /** Resolves once `count` more sends have resolved. */
  async more(count: number): Promise<void> {
    const goal = this.sent.length + count;
    await until(() => this.sent.length >= goal);
  }

  /** Stops, repeats the send of one last number until the send resolves, and returns the number. */
  async stop(): Promise<number> {
    this.#isStopping = true;
    await this.#running;
    const last = this.#next;
    await until(() => this.#send(last));
    return last;
  }

  async #run(): Promise<void> {
    const pause = pauses(1);
    while (!this.#isStopping) {
      await this.#send(this.#next);
      this.#next += 1;
      await pause();
    }
  }

  async #send(number: number): Promise<boolean> {
    const sends = this.#groups.map((group) => this.#layer.groupSend(group, { type: "message", number }));
    const outcomes = await Promise.allSettled(sends);
    const isSent = outcomes.every(({ status }) => status === "fulfilled");
    if (isSent) this.sent.push(number);
    return isSent;
  }
}

/** Stops the traffic, waits until each member has the last number, and checks its record. */
export async function settle(members: readonly Account[], traffic: Traffic): Promise<void> {
  const last = await traffic.stop();
  for (const member of members) {
    await member.until(() => member.numbers.includes(last));
    member.check(traffic.sent);
  }
}
