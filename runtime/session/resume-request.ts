import { CloseCode, refusalCode } from "../../protocol/close-codes.ts";
import type { ControlFields } from "../../protocol/control-frames.ts";
import type { Deadline } from "../deadline.ts";
import type { SessionSocket, SocketOwner } from "./session-socket.ts";
import type { Resume, ReturningClient, Sessions } from "./sessions.ts";

/**
 * Owns the socket of a client that comes back, until its first frame has named the session. No actor runs for it.
 * The frame has to arrive before the deadline of the upgrade.
 */
export class ResumeRequest implements SocketOwner {
  readonly #sessions: Sessions;
  readonly #client: ReturningClient;
  readonly #deadline: Deadline;

  constructor(sessions: Sessions, client: ReturningClient, socket: SessionSocket, deadline: Deadline) {
    this.#sessions = sessions;
    this.#client = client;
    this.#deadline = deadline;
    deadline.onPassed = () => this.#release(socket, refusalCode + 408, "No resume in time");
    socket.owner = this;
  }

  onControl(frame: ControlFields, socket: SessionSocket): void {
    if (frame.c !== "resume") {
      this.onViolation("The first frame must be resume", socket);
      return;
    }
    this.#deadline.cancel();
    socket.owner = undefined;
    this.#sessions.resume(socket, frame as Resume, this.#client);
  }

  receive(): void {}

  onViolation(reason: string, socket: SessionSocket): void {
    this.#release(socket, CloseCode.protocolError, reason);
  }

  lost(_code: number, _reason: string, socket: SessionSocket): void {
    this.#deadline.cancel();
    socket.owner = undefined;
  }

  lagging(socket: SessionSocket): void {
    this.#release(socket, CloseCode.slow, "Reads too slowly");
  }

  dueControls(): readonly string[] {
    return [];
  }

  failed(): void {}
  unfinished(): void {}
  ended(): void {}

  #release(socket: SessionSocket, code: number, reason: string): void {
    this.#deadline.cancel();
    socket.owner = undefined;
    socket.transport.close(code, reason);
  }
}
