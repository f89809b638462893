import { type Spread, spreadOf } from "../statistics.ts";
import type { CarrierName } from "./carriers/index.ts";
import type { JoinFigures, SendFigures } from "./measuring.ts";
import type { JoinCost } from "./round-trips.ts";
import type { Room } from "./tasks.ts";

type Spreads<Figures> = { readonly [Name in keyof Figures]: Spread };

/** Which of the measurements of messages. */
export interface SendKey {
  readonly carrier: CarrierName;
  readonly room: Room;
  readonly inFlight: number;
}

/** Collects what each run gives, by what was measured and of whom, and sums it up. */
export class Results {
  readonly #sends = new Collection<SendFigures>();
  readonly #joins = new Collection<JoinFigures>();
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
    return spreads(this.#sends.runs(sendTitle(room, inFlight), carrier));
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
    return spreads(this.#joins.runs(joinTitle(atOnce), carrier));
  }

  joinCost(carrier: CarrierName, atOnce: number): JoinCost | undefined {
    return this.#joinCosts[joinTitle(atOnce)]?.[carrier];
  }

  toJSON(): object {
    return { sends: this.#sends, joins: this.#joins, joinCosts: this.#joinCosts };
  }
}

/** The figures of all runs: by what was measured, then by carrier. */
class Collection<Figures extends { readonly [Name in keyof Figures]: number }> {
  readonly #all: Record<string, Record<string, Figures[]>> = {};

  add(title: string, carrier: CarrierName, figures: Figures): void {
    const rows = this.#all[title] ?? {};
    this.#all[title] = rows;
    rows[carrier] = [...(rows[carrier] ?? []), figures];
  }

  runs(title: string, carrier: CarrierName): readonly Figures[] {
    return this.#all[title]?.[carrier] ?? [];
  }

  toJSON(): object {
    return mapValues(this.#all, (rows) => mapValues(rows, spreads));
  }
}

function spreads<Figures extends { readonly [Name in keyof Figures]: number }>(
  all: readonly Figures[],
): Spreads<Figures> | undefined {
  const [first] = all;
  if (first === undefined) return undefined;
  const names = Object.keys(first) as (keyof Figures)[];
  return Object.fromEntries(
    names.map((name) => [name, spreadOf(all.map((figures) => figures[name]))]),
  ) as Spreads<Figures>;
}

function mapValues<T, U>(record: Record<string, T>, change: (value: T) => U): Record<string, U> {
  return Object.fromEntries(Object.entries(record).map(([key, value]) => [key, change(value)]));
}

function sendTitle({ groups, members, busy = groups }: Room, inFlight: number): string {
  return `groups: ${groups}, sent to: ${busy}, members of each: ${members}, in flight: ${inFlight}`;
}

function joinTitle(atOnce: number): string {
  return `joins at once: ${atOnce}`;
}
