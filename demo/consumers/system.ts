import { WebSocketConsumer } from "greenroom";

/** The smallest consumer: it answers its own client, without a layer or groups. */
export class SystemMessages extends WebSocketConsumer {
  override async connect() {
    await this.accept();
    this.send("🔧 System: Connection established!");
  }

  override receive(text: string) {
    this.send(`🔧 System Echo: ${text}`);
  }
}
