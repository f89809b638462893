import { connect, type Gap } from "greenroom/client";
import { WebSocket } from "ws";
import { until } from "../../layers/support/until.ts";
import { room } from "./relay-room.ts";

/** A client of {@link Room} that records what arrives. */
export class RelayReader {
  readonly numbers: number[] = [];
  readonly gaps: Gap[] = [];
  readonly payloads: object[] = [];
  readonly client;

  constructor(url: string, groups: string) {
    this.client = connect(room, { url: `${url}/?groups=${groups}`, params: { user: "ada" }, WebSocket });
    this.client.on("said", (payload) => {
      this.payloads.push(payload);
      this.numbers.push(payload.n);
    });
    this.client.onGap((gap) => this.gaps.push(gap));
  }

  async receive(number: number): Promise<void> {
    await until(() => this.numbers.includes(number));
  }

  async is(state: string): Promise<void> {
    await until(() => this.client.status.state === state);
  }
}
