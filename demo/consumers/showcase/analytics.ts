import { handlers, WebSocketConsumer } from "greenroom";

export interface AnalyticsMessages {
  analytics_message: { message: string };
}

export const analyticsGroup = "analytics";

/** Sends each event to all clients, on a layer that keeps the latest events. */
export class Analytics extends WebSocketConsumer<{ messages: AnalyticsMessages }> {
  static override readonly layer = "analytics";
  static override readonly on = handlers<Analytics>({
    analytics_message({ message }) {
      this.send(message);
    },
  });

  override async connect() {
    await this.accept();
    await this.groupAdd(analyticsGroup);
  }

  override async receive(text: string) {
    await this.groupSend(analyticsGroup, { type: "analytics_message", message: `📊 Analytics: ${text}` });
  }
}
