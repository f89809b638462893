import { randomInt } from "node:crypto";
import { handlers, WebSocketConsumer } from "greenroom";

export interface RoomMessages {
  room_message: { message: string };
}

export const roomGroup = (name: string) => `room_${name}`;

export interface Presence {
  /** The time of joining, in milliseconds since 1970. */
  readonly since: number;
}

/**
 * A chat room. Each text goes to all members, in any process. `?name=Ada` sets the member's name in the
 * presence list; without a name, the member is a guest.
 */
export class RoomChat extends WebSocketConsumer<{ messages: RoomMessages; params: "room_name" }> {
  static override readonly layer = "chat";
  static override readonly on = handlers<RoomChat>({
    room_message({ message }) {
      this.send(message);
    },
  });

  readonly #room = this.scope.params.room_name;
  readonly #group = roomGroup(this.#room);

  override async connect() {
    await this.accept();
    await this.groupAdd(this.#group);
    this.track(this.#group, { since: Date.now() } satisfies Presence, { key: this.#name });
    await this.#say(`🚪 Someone joined room '${this.#room}'`);
  }

  override async receive(text: string) {
    await this.#say(`💬 ${text}`);
  }

  override async disconnect() {
    await this.#say(`👋 Someone left room '${this.#room}'`);
  }

  get #name(): string {
    // Removes control and format characters, which are invisible or change the direction of text.
    const name = (this.scope.query.get("name") ?? "").replace(/\p{C}/gu, "").trim();
    return [...name].slice(0, 40).join("") || `Guest ${randomInt(1_000, 10_000)}`;
  }

  #say(message: string) {
    return this.groupSend(this.#group, { type: "room_message", message });
  }
}
