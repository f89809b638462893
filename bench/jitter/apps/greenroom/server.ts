import { type ChannelLayer, contractConsumer, createRuntime, handlers, relay } from "../../../../index.ts";
import type { Headline, Serve } from "../app.ts";
import { news } from "./contract.ts";

export class News extends contractConsumer(news)<{ messages: { headline: Headline } }> {
  static override readonly layer = "news";
  static override readonly on = handlers<News>({ headline: relay });

  override async connect() {
    await this.groupAdd("readers");
  }
}

export const serve: Serve<ChannelLayer> = async (server, layer) => {
  const runtime = createRuntime({ layers: { news: layer } });
  runtime.route(News);
  await runtime.ready();
  runtime.attach(server);
  return (headline) => layer.groupSend("readers", { type: "headline", ...headline });
};
