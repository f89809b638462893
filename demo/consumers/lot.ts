import { contractConsumer, frames } from "greenroom";
import { type LotView, lot } from "../contracts/lot.ts";
import { idleLot, type LotMessages } from "../lots/lot-machine.ts";

/**
 * A view of the auction of one lot. The auction is a named actor, so it goes on without connections, and after the end
 * of its process. The frames follow the contract {@link lot}.
 */
export class LotRoom extends contractConsumer(lot) {
  static override readonly frames = frames<LotRoom>({
    open(auction) {
      return this.#lot.ask({ type: "open", ...auction });
    },
    bid(bid) {
      return this.#lot.ask({ type: "bid", ...bid });
    },
  });

  readonly #lot = this.named<LotMessages, LotView>("lot").get(this.scope.params.lot);

  override async connect() {
    await this.accept();
    const views = this.#lot.watch({ signal: this.signal })[Symbol.asyncIterator]();
    await this.#show(views); // `state` is the first frame, also if the client has sent a frame already.
    void this.#follow(views);
  }

  async #follow(views: AsyncIterator<LotView | undefined>) {
    while (await this.#show(views)) await this.drained(); // A slow client gets the newest view.
  }

  /** Sends the next view. Returns false if there is none, because the connection ends. */
  async #show(views: AsyncIterator<LotView | undefined>): Promise<boolean> {
    const { done, value } = await views.next();
    if (done) return false;
    this.send("state", value ?? idleLot);
    return true;
  }
}
