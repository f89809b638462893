import { Collection, type Spreads } from "../collection.ts";
import { type Spread, spreadOf } from "../statistics.ts";
import type { CarrierName } from "./carriers/index.ts";
import type { JoinFigures, SendFigures } from "./measuring.ts";
import type { JoinCost } from "./round-trips.ts";
import type { Room } from "./tasks.ts";

/** Which of the measurements of messages. */
export interface SendKey {
  readonly carrier: CarrierName;
  readonly room: Room;
  readonly inFlight: number;
}

/** Collects what each run gives, by what was measured and of whom, and sums it up. */
export class Results {
  readonly #sends = new Collection<CarrierName, SendFigures>();
  readonly #joins = new Collection<CarrierName, JoinFigures>();
  readonly #joinCosts: Record<string, Record<string, JoinCost>> = {};

  addSend({ carrier, room, inFlight }: SendKey, figures: SendFigures): void {
    this.#sends.add(sendTitle(room, inFlight), carrier, figures);
  }

  addJoin(carrier: CarrierName, atOnce: number, figures: JoinFigures): void {
    this.#joins.add(joinTitle(atOnce), carrier, figures);
  }

  addJoinCost(carrier: CarrierName, atOnce: number, cost: JoinCost): void {
    const title = joinTitle(atOnce);
    this.#joinCosts[title] = { ...this.#joinCosts[title], [carrier]: cost };
  }

  send({ carrier, room, inFlight }: SendKey): Spreads<SendFigures> | undefined {
    return this.#sends.spreads(sendTitle(room, inFlight), carrier);
  }

  /**
   * All CPU of one measurement as a multiple of that of another, in each run by itself: load that comes and goes on the
   * machine falls on both. Nothing where one of them is missing.
   */
  cpuRatio(of: SendKey, to: SendKey): Spread | undefined {
    const values = this.#sends.runs(sendTitle(of.room, of.inFlight), of.carrier);
    const bases = this.#sends.runs(sendTitle(to.room, to.inFlight), to.carrier);
    const ratios = values.flatMap(({ sum }, run) => {
      const base = bases[run];
      return base === undefined ? [] : [sum / base.sum];
    });
    return ratios.length === 0 ? undefined : spreadOf(ratios);
  }

  join(carrier: CarrierName, atOnce: number): Spreads<JoinFigures> | undefined {
    return this.#joins.spreads(joinTitle(atOnce), carrier);
  }

  joinCost(carrier: CarrierName, atOnce: number): JoinCost | undefined {
    return this.#joinCosts[joinTitle(atOnce)]?.[carrier];
  }

  toJSON(): object {
    return { sends: this.#sends, joins: this.#joins, joinCosts: this.#joinCosts };
  }
}

function sendTitle({ groups, members, busy = groups }: Room, inFlight: number): string {
  return `groups: ${groups}, sent to: ${busy}, members of each: ${members}, in flight: ${inFlight}`;
}

function joinTitle(atOnce: number): string {
  return `joins at once: ${atOnce}`;
}
