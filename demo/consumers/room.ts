import { handlers, WebSocketConsumer } from "greenroom";

/** What goes to the group of a room. */
export interface RoomMessages {
  room_message: { message: string };
}

/** A chat room: what one member writes, all members read, on whichever process they are. */
export class RoomChat extends WebSocketConsumer<{ messages: RoomMessages; params: "room_name" }> {
  static override readonly layer = "chat";
  static override readonly on = handlers<RoomChat>({
    room_message({ message }) {
      this.send(message);
    },
  });

  readonly #room = this.scope.params.room_name;
  readonly #group = `room_${this.#room}`;

  override async connect() {
    await this.accept();
    await this.groupAdd(this.#group);
    await this.#say(`🚪 Someone joined room '${this.#room}'`);
  }

  override async receive(text: string) {
    await this.#say(`💬 ${text}`);
  }

  override async disconnect() {
    await this.#say(`👋 Someone left room '${this.#room}'`);
  }

  #say(message: string) {
    return this.groupSend(this.#group, { type: "room_message", message });
  }
}
