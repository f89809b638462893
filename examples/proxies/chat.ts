// The frames and the consumer of a room in which each member hears all lines.
import { contractConsumer, frames, handlers, relay } from "greenroom";
import { contract } from "greenroom/contract";
import { z } from "zod";

const line = z.object({ from: z.string(), number: z.int() });

export const chat = contract({
  path: "/ws/chat",
  client: { say: line },
  server: { said: line },
});

export class Chat extends contractConsumer(chat)<{ messages: { said: z.infer<typeof line> } }> {
  static override readonly layer = "chat";
  static override readonly session = { recover: true }; // a client of a process that ends misses no line
  static override readonly frames = frames<Chat>({
    say(said) {
      return this.groupSend("chat", { type: "said", ...said });
    },
  });
  static override readonly on = handlers<Chat>({ said: relay });

  override async connect() {
    await this.groupAdd("chat");
  }
}
