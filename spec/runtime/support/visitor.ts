import { handlers, type PresenceDiff, WebSocketConsumer } from "greenroom";
import { query } from "./cluster.ts";

/** Is present in the lobby with the key, status and grace of the query. Each text is a new status. */
export class Visitor extends WebSocketConsumer {
  static override readonly layer: string | undefined = "chat";
  override connect() {
    this.#track(this.scope.query.get("status"));
  }
  override receive(text: string) {
    if (text === "untrack") this.untrack("lobby");
    else this.#track(text);
  }
  #track(status: string | null) {
    const given = this.scope.query;
    const options = { key: given.get("key") ?? "guest", graceMs: Number(given.get("graceMs")) };
    this.track("lobby", { status }, options);
  }
}

export const visitor = (key: string, status: string, graceMs = 0) =>
  query(`key=${key}&status=${status}&graceMs=${graceMs}`);

/** Watches the lobby, and sends its client one text for each diff: `+ann(home) -ben(away) ~cid(home,away)`. */
export class Doorkeeper extends WebSocketConsumer<{
  messages: { presence_diff: PresenceDiff<{ status: string }> };
}> {
  static override readonly layer = "chat";
  static override readonly on = handlers<Doorkeeper>({
    presence_diff({ joins, leaves, changes }) {
      const shown = (sign: string, entries: typeof joins) =>
        entries.map(({ key, metas }) => `${sign}${key}(${metas.map(({ status }) => status)})`);
      this.send([...shown("+", joins), ...shown("-", leaves), ...shown("~", changes)].join(" "));
    },
  });
  override connect() {
    this.watch("lobby");
  }
  override receive(text: string) {
    this.send(text);
  }
}
