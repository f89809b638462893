import { type Delivery, handlers, WebSocketConsumer } from "greenroom";
import { untilReached } from "../until-reached.ts";

export interface ReliableMessages {
  reliable_chat_message: { message: string };
}

export const reliableGroup = "reliable_chat";

/**
 * A chat on a layer with a history. With `?since=<offset>`, a client first receives the messages after that
 * offset. Offsets are consecutive, so a client that counts the texts knows the offset of the last one. If
 * messages are lost, a text contains the offset from which the client continues to count.
 */
export class ReliableChat extends WebSocketConsumer<{ messages: ReliableMessages }> {
  static override readonly layer = "queue";
  static override readonly needs = ["history"] as const;
  static override readonly on = handlers<ReliableChat>({
    reliable_chat_message({ message }, delivery) {
      this.#pass(message, delivery);
    },
  });

  /** The offset of the last text that was sent to the client; undefined if the client sent no `since`. */
  #last = sinceOf(this.scope.query);
  /** The epoch of the history that `#last` belongs to; undefined until it is known. */
  #epoch: string | undefined;

  override async connect() {
    if (Number.isNaN(this.#last)) this.reject(400, "since must be an offset: an integer from 0.");
    await this.accept();
    await this.groupAdd(reliableGroup);
    await this.#catchUp();
    await this.#say("🔒 Reliable chat connection established!");
  }

  override async receive(text: string) {
    await this.#say(`📨 ${text}`);
  }

  override async onGap() {
    await untilReached(this.signal, () => this.#catchUp());
  }

  override async disconnect() {
    await this.#say("🚪 Left reliable chat!");
  }

  async #catchUp() {
    if (this.#last === undefined) return;
    const since = this.#epoch === undefined ? this.#last : { offset: this.#last, epoch: this.#epoch };
    const history = this.layers.queue?.history(reliableGroup, { since, limit: 1_000 });
    const { entries = [], position, complete } = (await history) ?? {};
    this.#epoch = position?.epoch;
    if (!complete) this.#continueFrom((entries[0]?.delivery.offset ?? (position?.offset ?? 0) + 1) - 1);
    for (const { message, delivery } of entries) this.#pass(String(message.message), delivery);
  }

  /** Sends a message, unless it was sent already: messages may arrive from the history and from the group. */
  #pass(message: string, { offset = 0, epoch }: Delivery) {
    if (this.#last !== undefined) {
      if (epoch === this.#epoch && offset <= this.#last) return;
      // A new epoch means that the history has been started again, with new offsets.
      if (epoch !== this.#epoch) this.#continueFrom(offset - 1);
      this.#last = offset;
      this.#epoch = epoch;
    }
    this.send(message);
  }

  /** Reports to the client the offset from which to continue, unless the client has that offset already. */
  #continueFrom(from: number) {
    if (this.#last === from) return;
    this.#last = from;
    this.send(`⚠️ Messages are missing here. On from ${from}.`);
  }

  #say(message: string) {
    return this.groupSend(reliableGroup, { type: "reliable_chat_message", message });
  }
}

/** The offset in `since`; undefined without `since`, NaN if `since` is invalid. */
function sinceOf(query: URLSearchParams): number | undefined {
  const since = query.get("since");
  if (since === null) return undefined;
  const offset = /^\d+$/.test(since) ? Number(since) : Number.NaN;
  return Number.isSafeInteger(offset) ? offset : Number.NaN;
}
