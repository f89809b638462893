import type { CarrierName } from "./carriers/index.ts";
import type { JoinFigures, SendFigures } from "./measuring.ts";
import type { JoinCost } from "./round-trips.ts";
import { type Spread, spreadOf } from "./statistics.ts";
import type { Room } from "./tasks.ts";

type Spreads<Figures> = { readonly [Name in keyof Figures]: Spread };

/** Collects what each run gives, by what was measured and of whom, and sums it up. */
export class Results {
  readonly #sends = new Collection<SendFigures>();
  readonly #joins = new Collection<JoinFigures>();
  readonly #joinCosts: Record<string, Record<string, JoinCost>> = {};

  addSend(carrier: CarrierName, room: Room, inFlight: number, figures: SendFigures): void {
    this.#sends.add(sendTitle(room, inFlight), carrier, figures);
  }

  addJoin(carrier: CarrierName, atOnce: number, figures: JoinFigures): void {
    this.#joins.add(joinTitle(atOnce), carrier, figures);
  }

  addJoinCost(carrier: CarrierName, atOnce: number, cost: JoinCost): void {
    const title = joinTitle(atOnce);
    this.#joinCosts[title] = { ...this.#joinCosts[title], [carrier]: cost };
  }

  send(carrier: CarrierName, room: Room, inFlight: number): Spreads<SendFigures> | undefined {
    return this.#sends.summary[sendTitle(room, inFlight)]?.[carrier];
  }

  join(carrier: CarrierName, atOnce: number): Spreads<JoinFigures> | undefined {
    return this.#joins.summary[joinTitle(atOnce)]?.[carrier];
  }

  joinCost(carrier: CarrierName, atOnce: number): JoinCost | undefined {
    return this.#joinCosts[joinTitle(atOnce)]?.[carrier];
  }

  toJSON(): object {
    return { sends: this.#sends.summary, joins: this.#joins.summary, joinCosts: this.#joinCosts };
  }
}

class Collection<Figures extends { readonly [Name in keyof Figures]: number }> {
  readonly #all: Record<string, Record<string, Figures[]>> = {};

  add(title: string, carrier: string, figures: Figures): void {
    this.#all[title] ??= {};
    const rows = this.#all[title];
    rows[carrier] = [...(rows[carrier] ?? []), figures];
  }

  get summary(): Record<string, Record<string, Spreads<Figures>>> {
    return mapValues(this.#all, (rows) => mapValues(rows, spreads));
  }
}

function spreads<Figures extends { readonly [Name in keyof Figures]: number }>(
  all: readonly Figures[],
): Spreads<Figures> {
  const names = Object.keys(all[0] ?? {}) as (keyof Figures)[];
  return Object.fromEntries(
    names.map((name) => [name, spreadOf(all.map((figures) => figures[name]))]),
  ) as Spreads<Figures>;
}

function mapValues<T, U>(record: Record<string, T>, change: (value: T) => U): Record<string, U> {
  return Object.fromEntries(Object.entries(record).map(([key, value]) => [key, change(value)]));
}

function sendTitle({ groups, members }: Room, inFlight: number): string {
  return `groups: ${groups}, members of each: ${members}, in flight: ${inFlight}`;
}

function joinTitle(atOnce: number): string {
  return `joins at once: ${atOnce}`;
}
