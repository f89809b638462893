import { isControl } from "../../../protocol/control-frames.ts";
import { until } from "../../layers/support/until.ts";
import { SessionClient } from "./session-client.ts";

interface Membership {
  readonly epoch: string;
  mark: number;
}

/** A client that speaks the part of the protocol that recovers relayed messages. */
export class RecoveringClient {
  readonly socket: SessionClient;
  /** The frames that have arrived, in order: `n` of each frame, or a text for a control frame. */
  readonly log: (number | string)[] = [];
  /** The frames as they arrived, without control frames. */
  readonly frames: string[] = [];
  /** The position of each `joined`. */
  readonly joins: number[] = [];
  readonly memberships = new Map<string, Membership>();
  session = "";
  ticket: string | undefined;

  constructor(socket: SessionClient, lost?: RecoveringClient) {
    this.socket = socket;
    this.ticket = lost?.ticket;
    for (const [group, membership] of lost?.memberships ?? []) this.memberships.set(group, { ...membership });
    void this.#read();
  }

  /** Opens a session. With `lost`, catches up with what that client has missed. */
  static async open(url: string, lost?: RecoveringClient): Promise<RecoveringClient> {
    const isAnnounced = lost?.ticket !== undefined;
    const client = new RecoveringClient(
      await SessionClient.open(url, isAnnounced ? ["greenroom.since"] : []),
      lost,
    );
    await client.until(() => client.session !== "");
    if (lost?.ticket !== undefined) client.since(lost.ticket, client.marks);
    return client;
  }

  /** Resumes the session on another socket. */
  async resume(url: string, attempt: number): Promise<RecoveringClient> {
    const socket = await SessionClient.resume(url, this.session, attempt, this.frames.length);
    const client = new RecoveringClient(socket, this);
    client.session = this.session;
    await client.until(() => client.log.includes("resumed"));
    return client;
  }

  get marks(): Record<string, number> {
    return Object.fromEntries([...this.memberships].map(([group, { mark }]) => [group, mark]));
  }

  /** The numbers that have arrived. */
  get numbers(): number[] {
    return this.log.filter((entry) => typeof entry === "number");
  }

  /** The gaps that have arrived, by group. */
  get gaps(): string[] {
    return this.log
      .filter((entry) => String(entry).startsWith("gap "))
      .map((entry) => String(entry).slice(4));
  }

  /** Sets the marks back. */
  receivedUpTo(marks: Record<string, number>): void {
    for (const [group, mark] of Object.entries(marks)) {
      const membership = this.memberships.get(group);
      if (membership !== undefined) membership.mark = mark;
    }
  }

  since(ticket: string, marks: Record<string, number>): void {
    this.socket.control({ c: "since", ticket, marks });
  }

  send(frame: object): void {
    this.socket.send(JSON.stringify(frame));
  }

  async until(isDone: () => boolean): Promise<void> {
    await until(isDone);
  }

  /** Waits for the frame with a number. */
  async receive(number: number): Promise<void> {
    await until(() => this.log.includes(number));
  }

  cut(): void {
    this.socket.cut();
  }

  async #read(): Promise<void> {
    for (;;) this.#take(String(await this.socket.next()));
  }

  #take(text: string): void {
    if (isControl(text)) this.#takeControl(JSON.parse(text.slice(1)));
    else this.#takeFrame(text);
  }

  #takeFrame(text: string): void {
    this.frames.push(text);
    const { n, "@": position } = JSON.parse(text);
    if (Array.isArray(position)) {
      const membership = this.memberships.get(position[0]);
      if (membership !== undefined) membership.mark = position[1];
    }
    this.log.push(n);
  }

  #takeControl(frame: Record<string, string> & { readonly at: number }): void {
    const { c, group = "", epoch = "", at } = frame;
    if (c === "hello") this.session = frame.session ?? "";
    else if (c === "ticket") this.ticket = frame.value;
    else if (c === "gap") this.log.push(`gap ${group}`);
    else if (c === "left") this.memberships.delete(group);
    else if (c === "joined") {
      this.memberships.set(group, { epoch, mark: at });
      this.joins.push(at);
    } else if (c === "resumed") this.log.push("resumed");
  }
}
