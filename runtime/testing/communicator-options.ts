import type { Admitted } from "../upgrade/admission.ts";
import type { TestedRuntime } from "./settle.ts";

/** The parts of a `Communicator` that its creator chooses. */
export interface CommunicatorOptions {
  readonly runtime: TestedRuntime;
  readonly subprotocols: readonly string[];
  /** Whether the client speaks the protocol of sessions. */
  readonly hasSession: boolean;
  admit(): Admitted | Promise<Admitted>;
  /** Whether the communicator closes the runtime when it disconnects. */
  readonly ownsRuntime: boolean;
}
