import type { ResponseHeaders } from "../../actors/index.ts";

/** The answer to an upgrade. */
export type Answer =
  | {
      readonly accepted: true;
      /** The subprotocol that the consumer chose. */
      readonly subprotocol: string | undefined;
      /** The headers that the consumer added. */
      readonly headers: ResponseHeaders;
    }
  | {
      readonly accepted: false;
      readonly status: number;
      readonly reason: string;
      /** The headers that the guard or the consumer added; absent if there are none, or if the client has a session. */
      readonly headers?: ResponseHeaders;
    };

/** The end of a connection, as its client sees it. */
export interface ClientClosed {
  /** The code of the close frame; 1006 if there was no close frame. */
  readonly code: number;
  readonly reason: string;
}

/** The promises of a client: the answer to its upgrade, and the end of its connection. Only first calls count. */
export class PendingAnswer {
  /** Rejects if the connection ends before the upgrade is answered. */
  readonly answered: Promise<Answer>;
  readonly closed: Promise<ClientClosed>;
  /** Answers the upgrade. */
  answer: (answer: Answer) => void = () => {};
  /** Ends the wait for the answer. */
  giveUp: (error: Error) => void = () => {};
  close: (closed: ClientClosed) => void = () => {};

  constructor() {
    this.answered = new Promise((resolve, reject) => {
      this.answer = resolve;
      this.giveUp = reject;
    });
    // A spec that does not await the answer must not cause an unhandled rejection.
    this.answered.catch(() => {});
    this.closed = new Promise((resolve) => {
      this.close = resolve;
    });
  }
}
