import { contractConsumer, frames, handlers, relay } from "greenroom";
import { room } from "./contract.ts";

interface Messages {
  said: { name: string; text: string };
}

/** The actor of one connection to a room. */
export class Room extends contractConsumer(room)<{ messages: Messages }> {
  static override readonly layer = "chat";
  /** The handlers of the frames from the page. */
  static override readonly frames = frames<Room>({
    rename({ name }) {
      this.#name = name;
    },
    say({ text }) {
      return this.groupSend(this.#group, { type: "said", name: this.#name, text });
    },
  });
  /** The handlers of the messages from the group. `relay` sends the message to the page. */
  static override readonly on = handlers<Room>({ said: relay });

  readonly #group = `room_${this.scope.params.room}`;
  #name = "Someone";

  override async connect() {
    await this.groupAdd(this.#group);
  }
}
