import { Client } from "./client.ts";

/** A frame of the server. Specs check it by comparison. */
type Frame = Readonly<Record<string, unknown>>;

/** A plain client of `/ws/lot/:lot`. Keeps the states and the answers apart, because either may come first. */
export class LotClient {
  readonly client: Client;
  /** The states that arrived and that no spec has read. */
  readonly states: Frame[] = [];
  readonly #asks = new Map<unknown, (answer: Frame) => void>();
  #onState = () => {};
  #lastId = 0;

  constructor(client: Client) {
    this.client = client;
    void this.#read();
  }

  static async open(url: string, lot: string): Promise<LotClient> {
    return new LotClient(await Client.open(`${url}/ws/lot/${lot}`));
  }

  /** Resolves with the first state, from those not read yet, that has these values. */
  async state(values: Frame = {}): Promise<Frame> {
    for (;;) {
      const state = this.states.shift();
      if (state === undefined) {
        await new Promise<void>((resolve) => {
          this.#onState = resolve;
        });
      } else if (Object.entries(values).every(([name, value]) => state[name] === value)) return state;
    }
  }

  /** Sends a frame that asks. Resolves with its reply or error, without the id. */
  ask(type: string, fields: object): Promise<Frame> {
    const id = ++this.#lastId;
    this.client.send(JSON.stringify({ type, id, ...fields }));
    return new Promise((resolve) => this.#asks.set(id, resolve));
  }

  async #read(): Promise<void> {
    for (;;) {
      const { id, ...frame } = JSON.parse(String(await this.client.next()));
      if (frame.type === "state") {
        this.states.push(frame);
        this.#onState();
      } else this.#asks.get(id)?.(frame);
    }
  }
}
