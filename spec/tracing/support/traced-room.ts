import { handlers, WebSocketConsumer } from "greenroom";
import { RedisPubSubLayer, RedisStreamsLayer } from "greenroom/redis";

export type Kind = "pub/sub" | "streams";

export const redisLayer = (kind: Kind, url: string, prefix: string) =>
  kind === "streams" ? new RedisStreamsLayer({ url, prefix }) : new RedisPubSubLayer({ url, prefix });

interface Messages {
  said: { text: string };
  add: { number: number };
  job_progress: { value: unknown };
  job_done: { value: unknown };
}

/** An actor whose client sends to the group "room" with `say <text>`, asks with `add`, and submits with `submit`. */
export class Speaker extends WebSocketConsumer<{ messages: Pick<Messages, "said"> }> {
  static override readonly layer = "chat";
  static override readonly on = handlers<Speaker>({ said() {} });
  override async receive(frame: string) {
    const [word, text = ""] = frame.split(" ");
    if (word === "say") await this.groupSend("room", { type: "said", text }, { except: this.channel });
    if (word === "submit") await this.submit("tasks", { type: "resize" });
    if (word !== "add") return;
    const { replies } = await this.askGroup("room", { type: "add", number: 1 });
    const channel = replies[0]?.channel ?? "";
    this.send(`${await this.ask<number>(channel, { type: "add", number: 2 })}`);
    await this.sendTo(channel, { type: "add", number: 3 });
  }
}

/** An actor in the group "room" that handles messages, and submits a job if the text is "work". */
export class Listener extends WebSocketConsumer<{ messages: Messages }> {
  static override readonly layer = "chat";
  static override readonly on = handlers<Listener>({
    async said({ text }) {
      if (text === "work") await this.submit("jobs", { type: "resize" });
    },
    add: ({ number }) => number + 1,
    job_progress() {},
    job_done() {},
  });
  override async connect() {
    await this.groupAdd("room");
  }
}
