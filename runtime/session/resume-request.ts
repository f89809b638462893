import { CloseCode, refusalCode } from "../../protocol/close-codes.ts";
import type { ControlFields } from "../../protocol/control-frames.ts";
import type { Deadline } from "../deadline.ts";
import type { Refusal } from "../http-response.ts";
import { refuseAccepted } from "./refuse-inside.ts";
import type { SessionSocket, SocketOwner } from "./session-socket.ts";
import type { Resume, ReturningClient, Sessions } from "./sessions.ts";

/**
 * Owns the socket of a client that comes back, until its first frame has named the session. No actor runs for it.
 * The frame has to arrive before the deadline of the upgrade.
 */
export class ResumeRequest implements SocketOwner {
  /** Nothing but `resume` is expected, which takes about 100 bytes. */
  readonly maxControlBytes = 4_096;
  readonly #sessions: Sessions;
  readonly #client: ReturningClient;
  readonly #socket: SessionSocket;
  readonly #deadline: Deadline;

  constructor(sessions: Sessions, client: ReturningClient, socket: SessionSocket, deadline: Deadline) {
    this.#sessions = sessions;
    this.#client = client;
    this.#socket = socket;
    this.#deadline = deadline;
    deadline.onPassed = () => this.#close(refusalCode + 408, "No resume in time");
    socket.owner = this;
    sessions.requests.add(this);
  }

  /** Refuses the client, which may come back to another node. */
  refuse(refusal: Refusal): void {
    this.#release();
    refuseAccepted(this.#socket, refusal);
  }

  onControl(frame: ControlFields): void {
    if (frame.c !== "resume") {
      this.receive();
      return;
    }
    this.#release();
    this.#sessions.resume(this.#socket, frame as Resume, this.#client);
  }

  receive(): void {
    this.onViolation("The first frame must be resume");
  }

  onViolation(reason: string): void {
    this.#close(CloseCode.protocolError, reason);
  }

  lost(): void {
    this.#release();
  }

  lagging(): void {
    this.#release();
    this.#socket.closeAsSlow();
  }

  dueControls(): readonly string[] {
    return [];
  }

  failed(): void {}
  unfinished(): void {}
  ended(): void {}

  #close(code: number, reason: string): void {
    this.#release();
    this.#socket.transport.close(code, reason);
  }

  #release(): void {
    this.#sessions.requests.delete(this);
    this.#deadline.cancel();
    this.#socket.release();
  }
}
