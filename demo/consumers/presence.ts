import { handlers, JsonWebSocketConsumer, type PresenceDiff } from "greenroom";
import { type Presence, roomGroup } from "./room.ts";

/** Says who is in a room, and who comes and goes, to one who need not be in it. */
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
  /** Those that the client knows of. One who has two tabs open comes once, and goes with the last of them. */
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
