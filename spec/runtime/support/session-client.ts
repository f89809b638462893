import { once } from "node:events";
import { type ClientControl, controlText, isControl, mark } from "../../../protocol/control-frames.ts";
import { Client } from "../../support/client.ts";

/** A client that speaks the protocol of sessions by hand. Nothing happens that a spec does not ask for. */
export class SessionClient extends Client {
  /** Resolves once the upgrade is accepted. */
  static override async open(url: string, protocols: string[] = []): Promise<SessionClient> {
    const client = new SessionClient(url, ["greenroom.v1", ...protocols]);
    await once(client.websocket, "open");
    return client;
  }

  /** Opens a socket for a session, and asks to resume it. */
  static async resume(
    url: string,
    session: string,
    attempt: number,
    got: number,
    protocols: string[] = [],
  ): Promise<SessionClient> {
    const client = await SessionClient.open(url, ["greenroom.resume", ...protocols]);
    client.control({ c: "resume", session, try: attempt, got });
    return client;
  }

  control(frame: ClientControl): void {
    this.send(controlText(frame));
  }

  /** Sends a control frame that no client of ours sends. */
  forge(fields: object): void {
    this.send(mark + JSON.stringify(fields));
  }

  /** All frames up to the close frame, with the control frames as objects. */
  async rest(): Promise<unknown[]> {
    const { code } = await this.closed;
    const frames: unknown[] = [];
    for (let frame = this.received(); frame !== undefined; frame = this.received()) {
      frames.push(typeof frame === "string" && isControl(frame) ? JSON.parse(frame.slice(1)) : frame);
    }
    return [...frames, code];
  }

  /** The next frame, which has to be a control frame. */
  async nextControl(): Promise<{ readonly c: string; readonly [field: string]: unknown }> {
    const frame = await this.next();
    if (typeof frame !== "string" || !frame.startsWith(mark)) {
      throw new Error(`Expected a control frame, but received ${JSON.stringify(frame)}.`);
    }
    return JSON.parse(frame.slice(1));
  }

  /** Cuts the connection without a closing handshake. */
  cut(): void {
    this.websocket.terminate();
  }
}
