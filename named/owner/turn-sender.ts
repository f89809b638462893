import { systemClock } from "../../layers/clock.ts";
import { effectOf, LayerClosedError } from "../../layers/errors.ts";
import { backoffMs, pause } from "../../layers/retry.ts";
import type { Partition, Shipment, ShipmentReply, Turn, TurnReply } from "../../layers/state-backend.ts";
import type { PartitionContext } from "./owner-context.ts";

/** A turn without what {@link TurnSender} adds. */
export type TurnParts = Omit<Turn, "token" | "number">;

/** Messages of this node that a turn is to store. */
interface Request {
  readonly form: () => Shipment;
  resolve(reply: ShipmentReply | undefined): void;
  reject(error: unknown): void;
}

/** Sends the turns of one partition to the store, and messages of this node together with them. */
export class TurnSender {
  readonly #partition: Partition;
  readonly #token: string;
  readonly #context: PartitionContext;
  readonly #ending: AbortSignal;
  #number = 0;
  #isRepeating = false;
  /** The shipment for the next turn. */
  #next: Request | undefined;
  /** The shipment of the turn that is under way. */
  #current: Request | undefined;

  /** @param ending aborted when the partition ends */
  constructor(partition: Partition, token: string, context: PartitionContext, ending: AbortSignal) {
    this.#partition = partition;
    this.#token = token;
    this.#context = context;
    this.#ending = ending;
  }

  get hasShipment(): boolean {
    return this.#next !== undefined;
  }

  /**
   * Adds a shipment to the next turn. `form` is called when this turn is sent. Resolves with undefined if the messages
   * were certainly not stored, and have to be sent without a turn. One shipment can wait at a time.
   *
   * @throws {LayerUnavailableError} if it is not known whether the messages were stored.
   */
  ship(form: () => Shipment): Promise<ShipmentReply | undefined> {
    if (this.#isRepeating || this.#ending.aborted) return Promise.resolve(undefined);
    return new Promise((resolve, reject) => {
      this.#next = { form, resolve, reject };
    });
  }

  /** Returns the shipment for the turn that is sent now. */
  takeShipment(): Shipment | undefined {
    this.#current = this.#next;
    this.#next = undefined;
    return this.#current?.form();
  }

  /** Refuses the shipment that waits for the next turn. */
  refuse(): void {
    this.#next?.resolve(undefined);
    this.#next = undefined;
  }

  /**
   * Repeats a turn until the store has executed it. Resolves with undefined if the partition has ended meanwhile, or if
   * the layer is closed.
   */
  async send(parts: TurnParts): Promise<TurnReply | undefined> {
    this.#number += 1;
    let turn: Turn = { ...parts, token: this.#token, number: this.#number };
    const { state, report } = this.#context;
    for (let attempt = 1; ; attempt += 1) {
      try {
        const reply = await state.run((backend) => backend.turn(this.#partition, turn));
        this.#current?.resolve(reply.shipped);
        this.#current = undefined;
        this.#isRepeating = false;
        return this.#ending.aborted ? undefined : reply;
      } catch (error) {
        const isRefused = effectOf(error) === "refused";
        const { shipment, ...rest } = turn;
        turn = rest;
        this.#failed(isRefused ? undefined : error);
        if (this.#ending.aborted || error instanceof LayerClosedError) return undefined;
        // The store may have refused only the messages, because its memory is full.
        if (isRefused && shipment !== undefined) continue;
        if (isRefused) report(error, "", "store");
        await pause(backoffMs(attempt, undefined, 1_000), systemClock, this.#ending);
        if (this.#ending.aborted) return undefined;
      }
    }
  }

  /** Leaves the shipments to their sender, which gives up earlier than a partition. */
  #failed(error: unknown): void {
    this.#isRepeating = true;
    if (error === undefined) this.#current?.resolve(undefined);
    else this.#current?.reject(error);
    this.#current = undefined;
    this.refuse();
  }
}
