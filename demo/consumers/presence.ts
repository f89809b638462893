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
      for (const { key } of joins) this.#joined(key);
      for (const { key } of leaves) this.#left(key);
    },
  });

  readonly #group = roomGroup(this.scope.params.room_name);
  /**
   * The members that were reported to the client. A member with two tabs is reported once when joining, and
   * once when the last tab has left.
   */
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

  #joined(key: string) {
    if (this.#known.has(key)) return;
    this.#known.add(key);
    this.sendJson({ type: "joined", key });
  }

  #left(key: string) {
    if (this.presence(this.#group).has(key) || !this.#known.delete(key)) return;
    this.sendJson({ type: "left", key });
  }
}
