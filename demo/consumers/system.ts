import { WebSocketConsumer } from "greenroom";

/** Talks to its client alone: the smallest consumer there is. It has no layer and no groups. */
export class SystemMessages extends WebSocketConsumer {
  override async connect() {
    await this.accept();
    this.send("🔧 System: Connection established!");
  }

  override receive(text: string) {
    this.send(`🔧 System Echo: ${text}`);
  }
}
