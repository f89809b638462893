import { handlers, JsonWebSocketConsumer, type PresenceDiff } from "greenroom";
import { type Presence, roomGroup } from "./room.ts";

/** Reports the members of a room, and each change of the members. The client need not be a member. */
export class RoomPresence extends JsonWebSocketConsumer<{
  messages: { presence_diff: PresenceDiff };
  params: "room_name";
}> {
  static override readonly layer = "chat";
  static override readonly on = handlers<RoomPresence>({
    presence_diff({ joins, leaves }) {
      for (const { key } of joins) {
        if (!this.#known.has(key)) this.sendJson({ type: "joined", key });
        this.#known.add(key);
      }
      for (const { key } of leaves) if (this.#known.delete(key)) this.sendJson({ type: "left", key });
    },
  });

  readonly #group = roomGroup(this.scope.params.room_name);
  /** The members that were reported to the client. A diff can repeat a change of the turn of `connect`. */
  readonly #known = new Set<string>();

  override async connect() {
    await this.accept();
    this.watch(this.#group);
    const members = [...this.presence<Presence>(this.#group)].map(([key, metas]) => ({
      key,
      since: Math.min(...metas.map(({ since }) => since)),
    }));
    for (const { key } of members) this.#known.add(key);
    this.sendJson({ type: "presence", members });
  }
}
