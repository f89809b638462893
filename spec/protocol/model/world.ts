import { controlText, mark } from "../../../protocol/control-frames.ts";
import { ModelClient } from "./client.ts";
import { type CommandKind, Judge } from "./judge.ts";
import { Codec, type Socket } from "./network.ts";
import { Stream } from "./recovery.ts";
import type { Rules } from "./rules.ts";
import { ModelServer } from "./server.ts";
import { type Context, limits, type ModelSession } from "./session.ts";

const kinds: readonly CommandKind[] = [
  "plain",
  "replies",
  "replies",
  "invalid",
  "throws",
  "drains",
  "forged",
  "tooLarge",
];

/** A client, a server, the sockets between them, and the application on both ends. */
export class World {
  readonly judge = new Judge();
  readonly server: ModelServer;
  readonly client: ModelClient;
  readonly sockets: Socket[] = [];
  readonly #context: Context;
  readonly #stream = new Stream();
  #texts = 0;

  constructor(rules: Rules) {
    this.#context = { rules, judge: this.judge, codec: new Codec(rules) };
    this.server = new ModelServer(this.#context, this.#stream);
    this.client = new ModelClient(this.#context);
  }

  // The application

  send(pick: number): void {
    if (this.client.isClosing || this.client.state === "closed") return;
    const kind = kinds[pick % kinds.length] ?? "plain";
    this.#send(kind, (pick >> 3) % 3 === 0);
  }

  /** Sends a command whose handler closes the connection. */
  sendClosing(): void {
    if (!this.client.isClosing && this.client.state !== "closed") this.#send("closes", false);
  }

  #send(kind: CommandKind, isRepeatable: boolean): void {
    this.client.send(
      this.judge.sends(kind, this.#text(kind === "forged" ? { c: "bye" } : kind), isRepeatable),
    );
  }

  broadcast(pick: number): void {
    const control = { c: "bye", code: 4000, reason: "", after: null };
    const text = pick % 6 === 0 ? undefined : this.#text(pick % 6 === 1 ? control : "news");
    for (const session of this.server.alive) session.send(text);
  }

  /** Sends a message to the group. */
  publish(): void {
    this.#stream.publish();
    for (const session of this.server.alive) session.membership?.relay();
  }

  loseHistory(): void {
    this.#stream.loseHistory();
    for (const session of this.server.alive) session.membership?.restart();
  }

  /** The client will ask for messages that it has received, or that were sent before it has joined. */
  lie(pick: number): void {
    this.judge.relays.hasLied = true;
    this.client.position.mark -= pick % 4;
  }

  /** A text that is sent only once. If `content` is an object, the text looks like a control frame. */
  #text(content: string | object): string {
    this.#texts += 1;
    if (typeof content === "string") return `${content} ${this.#texts}`;
    return mark + JSON.stringify({ ...content, id: this.#texts });
  }

  // The network

  connect(): boolean {
    if (this.client.socket !== undefined || this.client.state === "closed") return false;
    this.sockets.push(this.client.connect());
    return true;
  }

  /** A line that works: the client is connected, and up to `count` packets arrive in each direction. */
  flow(count: number): void {
    this.connect();
    const newest = this.sockets.length - 1;
    for (let left = count; left > 0; left -= 1) {
      this.deliverUp(newest);
      this.deliverDown(newest);
    }
  }

  /** Delivers the oldest packet to the server on the socket `index`. */
  deliverUp(index: number): boolean {
    const socket = this.sockets[index];
    if (socket === undefined || !this.server.isReading(socket)) return false;
    const packet = socket.up.packets.shift();
    if (packet === undefined) return false;
    this.server.receive(socket, packet);
    this.#checkState();
    return true;
  }

  deliverDown(index: number): boolean {
    const socket = this.sockets[index];
    const packet = socket?.down.packets.shift();
    if (socket === undefined || packet === undefined) return false;
    this.client.receive(socket, packet);
    return true;
  }

  cut(socket: Socket | undefined, keptUp: number, keptDown: number): void {
    socket?.up.cut(keptUp);
    socket?.down.cut(keptDown);
  }

  killServer(): void {
    this.server.die();
    for (const socket of this.sockets) this.cut(socket, 0, socket.down.packets.length);
  }

  /** Sends the server a frame that no client may send. */
  misbehave(pick: number): void {
    const { client, judge } = this;
    if (client.state !== "joined" || client.socket === undefined || judge.hasMisbehaved) return;
    judge.hasMisbehaved = true;
    const counts = [-1, 0.5, 1_000_000, 2 ** 53];
    const n = counts[pick % (counts.length + 1)];
    client.socket.up.write(n === undefined ? `${mark}{"n":` : controlText({ c: "ack", n }));
  }

  #checkState(): void {
    for (const session of this.server.sessions.values()) this.#checkSession(session);
  }

  #checkSession(session: ModelSession): void {
    this.judge.check(session.done <= session.got, "only what has arrived is done");
    this.judge.check(session.acknowledged <= session.sent, "only what was sent is acknowledged");
    this.judge.check(session.texts <= limits.maxLogged, "a log keeps its bound");
  }

  // Quiescence

  /** Lets everything happen that can happen without another cut, and checks that both ends agree. */
  settle(): void {
    for (let rounds = 0; this.#round(); rounds += 1) this.judge.check(rounds < 300, "both ends come to rest");
    this.#checkState();
    this.#checkPromises();
    if (this.client.state === "joined") this.#checkAgreement();
    this.#checkEnds();
  }

  /** @returns Whether anything has happened. */
  #round(): boolean {
    let hasMoved = false;
    for (const index of this.sockets.keys()) {
      while (this.deliverUp(index)) hasMoved = true;
      while (this.deliverDown(index)) hasMoved = true;
    }
    for (const session of this.server.sessions.values()) {
      while (session.settle() || session.begin()) hasMoved = true;
      if (session.ack()) hasMoved = true;
    }
    if (this.client.ack()) hasMoved = true;
    return this.connect() || hasMoved;
  }

  #checkPromises(): void {
    const isWell = this.client.state === "joined" && !this.judge.hasLostSession;
    for (const { outcome, text } of this.judge.commands) {
      this.judge.check(outcome !== undefined, `the send of ${text} is settled`);
      const isRight = outcome === "resolved" || outcome === "tooLarge";
      this.judge.check(isRight || !isWell, "a send is rejected only after the end of a session");
    }
  }

  #checkAgreement(): void {
    const { client, judge } = this;
    const session = this.server.alive.find(({ record }) => record === client.record);
    judge.check(session !== undefined, "a client that is joined has a session");
    if (session === undefined) return;
    judge.check(client.got === session.sent, "both ends agree on the frames of the server");
    judge.check(session.acknowledged === session.sent && session.texts === 0, "all frames are acknowledged");
    judge.check(session.got === client.numbered, "both ends agree on the frames of the client");
    judge.check(session.done === session.got, "all frames of the client are done");
    judge.check(session.record.accounted === session.sent, "each frame is given, or in a gap");
    judge.relays.rests(this.#stream.epoch, this.#stream.last);
    judge.check(session.record.untoldGaps.size === 0, "each gap of a group is told");
  }

  /** After resumeMs, only the session of a client that is joined is kept. */
  #checkEnds(): void {
    for (const session of this.server.alive) this.server.expire(session);
    for (const session of this.server.sessions.values())
      if (session.state === "over") this.server.forget(session);
    const kept = [...this.server.sessions.values()].filter(({ record }) => record !== this.client.record);
    this.judge.check(kept.length === 0, "a session without a client is not kept");
    const isKept = this.client.state === "closed" && this.server.sessions.size > 0;
    this.judge.check(!isKept, "the session of a client that has closed is not kept");
  }
}
