import type { Page, WebSocketRoute } from "playwright-core";
import { controlText, isControl } from "../../protocol/control-frames.ts";
import { resumeProtocol } from "../../protocol/subprotocols.ts";

const hello = {
  c: "hello",
  session: "node.secret",
  resumeMs: 60_000,
  maxBytes: 1_048_576,
  maxPayload: 65_536,
  window: 64,
  beatMs: 25_000,
} as const;

/** Plays the server of a page's client on one path: it begins sessions, and has forgotten those to resume. */
export class PlayedServer {
  /** The texts of the client, without control frames. */
  readonly texts: string[] = [];
  #socket: WebSocketRoute | undefined;

  /** @param onSession called after the begin of each session */
  async play(page: Page, path: string, onSession = () => {}): Promise<void> {
    await page.routeWebSocket(`**${path}`, (socket) => {
      this.#socket = socket;
      socket.onMessage((data) => {
        const text = String(data);
        if (!isControl(text)) this.texts.push(text);
        else if (text.includes('"c":"resume"'))
          socket.send(controlText({ c: "gone", code: 3993, reason: "No such session" }));
      });
      if (socket.protocols().includes(resumeProtocol)) return;
      socket.send(controlText(hello));
      onSession();
    });
  }

  say(text: string): void {
    this.#socket?.send(text);
  }

  async cut(): Promise<void> {
    await this.#socket?.close({ code: 1011 });
  }
}
