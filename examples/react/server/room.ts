import { randomUUID } from "node:crypto";
import { contractConsumer, frames, handlers, type PresenceDiff, relay } from "greenroom";
import { type Line, line, type Member, room } from "../contract.ts";

type Meta = Omit<Member, "key">;

/** The connection of one member. Members are known by presence, and texts are kept in the history of the layer. */
export class Room extends contractConsumer(room)<{
  messages: { said: Line; presence_diff: PresenceDiff<Meta> };
}> {
  static override readonly layer = "chat";
  static override readonly needs = ["history"] as const;
  static override readonly on = handlers<Room>({
    said: relay,
    presence_diff() {
      this.#sendMembers();
    },
  });
  static override readonly frames = frames<Room>({
    say({ text }) {
      const { name } = this.scope.params;
      return this.groupSend(this.#group, { type: "said", id: randomUUID(), at: Date.now(), name, text });
    },
    typing({ on }) {
      this.#track(on);
    },
    async last() {
      const history = await this.layers[Room.layer]?.history(this.#group, { limit: 50 });
      const entries = history?.entries ?? [];
      return { lines: entries.flatMap(({ message }) => line.safeParse(message).data ?? []) };
    },
  });
  readonly #group = `room_${this.scope.params.room}`;

  override async connect() {
    await this.groupAdd(this.#group);
    this.accept();
    this.#track(false);
    this.#sendMembers();
  }

  #track(isTyping: boolean) {
    this.track(this.#group, { name: this.scope.params.name, isTyping } satisfies Meta);
  }

  #sendMembers() {
    const members: Member[] = [];
    for (const [key, [meta]] of this.presence<Meta>(this.#group)) if (meta) members.push({ key, ...meta });
    this.send("members", { members });
  }
}
