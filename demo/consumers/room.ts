import { randomInt } from "node:crypto";
import { handlers, WebSocketConsumer } from "greenroom";

/** What goes to the group of a room. */
export interface RoomMessages {
  room_message: { message: string };
}

/** The group of a room: of those who chat in it, and of those who are present. */
export const roomGroup = (name: string) => `room_${name}`;

/** What others are told of one who is in a room. */
export interface Presence {
  /** When they came, in milliseconds since 1970. */
  readonly since: number;
}

/**
 * A chat room: what one member writes, all members read, on whichever process they are. `?name=Ada` is what a member is called
 * where it says who is in the room; without it, it is a guest.
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
    // Without what cannot be seen, or turns text around.
    const name = (this.scope.query.get("name") ?? "").replace(/\p{C}/gu, "").trim();
    return [...name].slice(0, 40).join("") || `Guest ${randomInt(1_000, 10_000)}`;
  }

  #say(message: string) {
    return this.groupSend(this.#group, { type: "room_message", message });
  }
}
