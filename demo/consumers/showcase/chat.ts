import { handlers, WebSocketConsumer } from "greenroom";

export interface ChatMessages {
  chat_message: { message: string };
}

export const chatGroup = "chat_room";

/** One room for all, on pub/sub: fast, and without a history. */
export class Chat extends WebSocketConsumer<{ messages: ChatMessages }> {
  static override readonly layer = "chat";
  static override readonly on = handlers<Chat>({
    chat_message({ message }) {
      this.send(message);
    },
  });

  override async connect() {
    await this.accept();
    await this.groupAdd(chatGroup);
    await this.#say("📢 Someone joined the chat");
  }

  override async receive(text: string) {
    await this.#say(`💬 ${text}`);
  }

  override async disconnect() {
    await this.#say("❌ Someone left the chat.");
  }

  #say(message: string) {
    return this.groupSend(chatGroup, { type: "chat_message", message });
  }
}
