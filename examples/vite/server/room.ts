import { contractConsumer, frames, handlers, relay } from "greenroom";
import { room } from "../contract.ts";

/** Edit the greeting while the development server runs. */
const greeting = "Welcome";

export class Room extends contractConsumer(room)<{ messages: { said: { text: string } } }> {
  static override readonly layer = "chat";
  static override readonly on = handlers<Room>({ said: relay });
  static override readonly frames = frames<Room>({
    say({ text }) {
      return this.groupSend(this.#group, { type: "said", text });
    },
  });
  readonly #group = `room_${this.scope.params.room}`;

  override async connect() {
    await this.groupAdd(this.#group);
    this.accept();
    this.send("said", { text: greeting });
  }
}
