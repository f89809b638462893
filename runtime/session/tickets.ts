import type { ChannelLayer } from "../../layers/channel-layer.ts";
import { type Clock, wallTimeOf } from "../../layers/clock.ts";
import { timeOf } from "../deadline.ts";
import { openTicket, sealTicket, type Ticket, type TicketHolder } from "./ticket.ts";

/** How long a ticket can be opened, in milliseconds. */
const ticketMs = 24 * 60 * 60 * 1_000;

/** A session gets another ticket after this time, in milliseconds. */
export const renewalMs = ticketMs / 2;

/** A secret is read again after this time, in milliseconds, because the server may have lost it. */
const maxAgeMs = 60_000;
/** The same if a ticket cannot be opened. Clients can make up tickets, so the time bounds the reads. */
const maxAgeOnFailureMs = 1_000;

interface KnownSecret {
  readonly value: Promise<Uint8Array | undefined>;
  readonly readAt: number;
}

/** Seals and opens tickets with the secrets that layers keep. */
export class Tickets {
  readonly #clock: Clock;
  readonly #secrets = new WeakMap<ChannelLayer, KnownSecret>();

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** Returns undefined if the layer keeps no secret. @throws {LayerUnavailableError} */
  async seal(layer: ChannelLayer, content: () => Ticket, holder: TicketHolder): Promise<string | undefined> {
    const secret = await this.#secret(layer, maxAgeMs);
    return secret && sealTicket(secret, content(), holder, wallTimeOf(this.#clock) + ticketMs);
  }

  /** Returns undefined if the ticket cannot be opened: see {@link openTicket}. @throws {LayerUnavailableError} */
  async open(layer: ChannelLayer, text: unknown, holder: TicketHolder): Promise<Ticket | undefined> {
    return (
      (await this.#open(layer, maxAgeMs, text, holder)) ??
      (await this.#open(layer, maxAgeOnFailureMs, text, holder))
    );
  }

  async #open(layer: ChannelLayer, ageMs: number, text: unknown, holder: TicketHolder) {
    const secret = await this.#secret(layer, ageMs);
    return secret && openTicket(secret, text, holder, wallTimeOf(this.#clock));
  }

  #secret(layer: ChannelLayer, ageMs: number): Promise<Uint8Array | undefined> {
    const now = timeOf(this.#clock);
    const known = this.#secrets.get(layer);
    if (known !== undefined && now - known.readAt < ageMs) return known.value;
    const value = layer.secret();
    this.#secrets.set(layer, { value, readAt: now });
    value.catch(() => this.#secrets.delete(layer));
    return value;
  }
}
