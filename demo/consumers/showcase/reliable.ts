import { type Delivery, handlers, WebSocketConsumer } from "greenroom";
import { untilReached } from "../until-reached.ts";

export interface ReliableMessages {
  reliable_chat_message: { message: string };
}

export const reliableGroup = "reliable_chat";

/**
 * A chat on a layer that keeps what was said. With `?since=<offset>` a client gets what it has missed since then, first, and from then on
 * counts: each text is the next offset. Where that is not so, since messages are gone for good, a text says where it goes on.
 */
export class ReliableChat extends WebSocketConsumer<{ messages: ReliableMessages }> {
  static override readonly layer = "queue";
  static override readonly needs = ["history"] as const;
  static override readonly on = handlers<ReliableChat>({
    reliable_chat_message({ message }, delivery) {
      this.#pass(message, delivery);
    },
  });

  /** The offset of the last text that the client has got, if it counts. */
  #last = sinceOf(this.scope.query);
  /** The history that it is an offset of, once that is known. */
  #epoch: string | undefined;

  override async connect() {
    if (Number.isNaN(this.#last)) this.reject(400, "since is an offset: a whole number from 0 up.");
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

  /** Sends what the client has not got yet. */
  async #catchUp() {
    if (this.#last === undefined) return;
    const since = this.#epoch === undefined ? this.#last : { offset: this.#last, epoch: this.#epoch };
    const history = this.layers.queue?.history(reliableGroup, { since, limit: 1_000 });
    const { entries = [], position, complete } = (await history) ?? {};
    this.#epoch = position?.epoch;
    if (!complete) this.#goOn((entries[0]?.delivery.offset ?? (position?.offset ?? 0) + 1) - 1);
    for (const { message, delivery } of entries) this.#pass(String(message.message), delivery);
  }

  /** A message may come twice: from the history, and as it is said. */
  #pass(message: string, { offset = 0, epoch }: Delivery) {
    if (this.#last !== undefined) {
      if (epoch === this.#epoch && offset <= this.#last) return;
      // The history has begun, or begun anew.
      if (epoch !== this.#epoch) this.#goOn(offset - 1);
      this.#last = offset;
      this.#epoch = epoch;
    }
    this.send(message);
  }

  /** Where the client's count is right nonetheless, there is nothing to say. */
  #goOn(from: number) {
    if (this.#last === from) return;
    this.#last = from;
    this.send(`⚠️ Messages are missing here. On from ${from}.`);
  }

  #say(message: string) {
    return this.groupSend(reliableGroup, { type: "reliable_chat_message", message });
  }
}

/** Undefined where a client does not ask, NaN where what it asks makes no sense. */
function sinceOf(query: URLSearchParams): number | undefined {
  const since = query.get("since");
  if (since === null) return undefined;
  const offset = /^\d+$/.test(since) ? Number(since) : Number.NaN;
  return Number.isSafeInteger(offset) ? offset : Number.NaN;
}
