import { WebSocketConsumer } from "greenroom";

/** The smallest consumer. It answers its own client, and uses neither a layer nor groups. */
export class SystemMessages extends WebSocketConsumer {
  override async connect() {
    await this.accept();
    this.send("🔧 System: Connection established!");
  }

  override receive(text: string) {
    this.send(`🔧 System Echo: ${text}`);
  }
}
