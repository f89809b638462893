import type { Frame } from "../../actors/index.ts";
import type { Refusal } from "../http-response.ts";
import type { Transport } from "../socket/transport.ts";
import type { Candidate } from "../upgrade/admission.ts";
import type { Arrivals } from "./arrivals.ts";
import type { Answer, ClientClosed } from "./pending-answer.ts";

/** The client's half of a connection. */
export interface TestClient {
  readonly arrivals: Arrivals;
  readonly answered: Promise<Answer>;
  readonly closed: Promise<ClientClosed>;
  /** Connects a client that the guards have admitted. @returns the transport for the actor */
  open(candidate: Candidate): Transport;
  /** Refuses the upgrade, and counts it as `refused`. */
  reject(refusal: Refusal): void;
  refuse(refusal: Refusal): void;
  deliver(frame: Frame): void;
  leave(code: number, reason: string): void;
}
