import { handlers, JsonWebSocketConsumer } from "greenroom";

export interface Notification {
  readonly type: "system" | "user";
  readonly message: string;
}

export interface NotificationMessages {
  notification_message: { data: Notification };
}

export const notificationsGroup = "notifications";

/** Sends each client's notification to all clients, as JSON. */
export class Notifications extends JsonWebSocketConsumer<{ messages: NotificationMessages }> {
  static override readonly layer = "notifications";
  static override readonly on = handlers<Notifications>({
    notification_message({ data }) {
      this.sendJson(data);
    },
  });

  override async connect() {
    await this.accept();
    await this.groupAdd(notificationsGroup);
    await this.#notify({ type: "system", message: "🔔 Connected to notifications!" });
  }

  override async receive(value: unknown) {
    await this.#notify({ type: "user", message: `🔔 Notification: ${messageOf(value)}` });
  }

  #notify(data: Notification) {
    return this.groupSend(notificationsGroup, { type: "notification_message", data });
  }
}

function messageOf(value: unknown): string {
  if (typeof value !== "object" || value === null || !("message" in value)) return "No message";
  const { message } = value;
  return typeof message === "object" ? "No message" : String(message);
}
