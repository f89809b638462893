import { setTimeout } from "node:timers/promises";
import { type Client, connect, type Gap } from "greenroom/client";
import { WebSocket } from "ws";
import { chat } from "./chat.ts";

/** A client that says numbers without a pause, and notes the numbers of all. */
export class Talker {
  readonly name: string;
  /** The last number that the server has accepted. */
  last = 0;
  /** The lines that arrived a second time, because a server ended before it had confirmed them. */
  repeated = 0;
  /** A new session at another server is one of them. */
  readonly gaps: Gap[] = [];
  readonly #client: Client<typeof chat>;
  readonly #heard = new Map<string, number[]>();
  readonly #sockets: WebSocket[] = [];
  #talk = Promise.resolve();
  #talks = false;

  constructor(url: string, name: string, index: number) {
    this.name = name;
    const sockets = this.#sockets;
    // The proxies choose the server by the address of the client. On Linux, each client takes one of its own.
    const from = process.platform === "linux" ? { localAddress: `127.0.0.${index + 2}` } : {};
    this.#client = connect(chat, {
      url,
      WebSocket: class extends WebSocket {
        constructor(address: string, protocols: string[]) {
          super(address, protocols, from);
          sockets.push(this);
        }
      },
    });
    this.#client.on("said", ({ from, number }) => {
      const numbers = this.#heardFrom(from);
      if (number <= (numbers.at(-1) ?? 0)) this.repeated += 1;
      else numbers.push(number);
    });
    this.#client.onGap((gap) => this.gaps.push(gap));
  }

  start(): void {
    this.#talks = true;
    this.#talk = this.#say();
  }

  async #say(): Promise<void> {
    while (this.#talks) {
      // The client sends the line again if it cannot know whether a server has handled it. Receivers tell by the number.
      await this.#client.send("say", { from: this.name, number: this.last + 1 }, { repeatable: true });
      this.last += 1;
      // A client that misses more than 1,000 lines while it reconnects would get a gap.
      await setTimeout(100);
    }
  }

  /** Breaks the connection, as a network does. */
  breakConnection(): void {
    this.#sockets.at(-1)?.terminate();
  }

  /** Resolves once the last line was accepted. */
  async stop(): Promise<void> {
    this.#talks = false;
    await this.#talk;
  }

  /** Resolves once a line of `other` with at least this number has arrived. */
  async hears(other: Talker, number: number): Promise<void> {
    const isHeard = () => (this.#heardFrom(other.name).at(-1) ?? 0) >= number;
    if (isHeard()) return;
    for await (const _ of this.#client.events("said")) if (isHeard()) return;
  }

  /** The numbers that have arrived from a client. */
  heardFrom(other: Talker): readonly number[] {
    return this.#heardFrom(other.name);
  }

  #heardFrom(name: string): number[] {
    const numbers = this.#heard.get(name) ?? [];
    this.#heard.set(name, numbers);
    return numbers;
  }

  async close(): Promise<void> {
    await this.#client.close();
  }
}
