import type { Frame } from "../../actors/index.ts";
import type { Lane, Task } from "../../layers/scheduling/lane.ts";
import { CloseCode, refusalCode } from "../../protocol/close-codes.ts";
import type { ControlFields } from "../../protocol/control-frames.ts";
import type { Deadline } from "../deadline.ts";
import type { Refusal } from "../http-response.ts";
import { refuseAccepted } from "./refuse-inside.ts";
import type { SessionSocket, SocketOwner } from "./session-socket.ts";
import type { Resume, ReturningClient, Sessions } from "./sessions.ts";

const notResume = "The first frame must be resume";

/**
 * Owns the socket of a client that comes back, until its first frame has named the session. No actor runs for it.
 * The frame has to arrive before the deadline of the upgrade.
 *
 * To repeat the frames of a session can take milliseconds, so clients that come back together take turns with others.
 */
export class ResumeRequest implements SocketOwner, Task {
  /** Nothing but `resume` is expected, which takes about 100 bytes. */
  readonly maxControlBytes = 4_096;
  readonly #sessions: Sessions;
  readonly #client: ReturningClient;
  readonly #socket: SessionSocket;
  readonly #deadline: Deadline;
  readonly #lane: Lane;
  /** The first frame of the client, which waits for its turn. */
  #resume: Resume | undefined;
  /** Passes on what has arrived behind the first frame: no more than one slice, because the socket is paused. */
  readonly #behind: ((owner: SocketOwner) => void)[] = [];

  constructor(
    sessions: Sessions,
    client: ReturningClient,
    socket: SessionSocket,
    deadline: Deadline,
    lane: Lane,
  ) {
    this.#sessions = sessions;
    this.#client = client;
    this.#socket = socket;
    this.#deadline = deadline;
    this.#lane = lane;
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
    if (this.#resume !== undefined) this.#behind.push((owner) => owner.onControl(frame, this.#socket));
    else if (frame.c !== "resume") this.onViolation(notResume);
    else {
      this.#resume = frame as Resume;
      this.#socket.transport.pause();
      this.#lane.add(this);
    }
  }

  receive(frame: Frame): void {
    if (this.#resume === undefined) this.onViolation(notResume);
    else this.#behind.push((owner) => owner.receive(frame, undefined, this.#socket));
  }

  run(): boolean {
    const socket = this.#socket;
    // The client may have left meanwhile.
    if (this.#resume === undefined || socket.owner !== this) return true;
    this.#release();
    this.#sessions.resume(socket, this.#resume, this.#client);
    for (const pass of this.#behind) if (socket.owner !== undefined) pass(socket.owner);
    return true;
  }

  onViolation(reason: string): void {
    this.#close(CloseCode.protocolError, reason);
  }

  lost(): void {
    this.#release();
  }

  lagging(reason: string): void {
    this.#release();
    this.#socket.closeAsSlow(reason);
  }

  exceeded(code: number, reason: string): void {
    this.#close(code, reason);
  }

  dueControls(): readonly string[] {
    return [];
  }

  failed(): void {}
  ended(): void {}

  #close(code: number, reason: string): void {
    this.#release();
    this.#socket.transport.close(code, reason);
  }

  #release(): void {
    this.#sessions.requests.delete(this);
    this.#deadline.cancel();
    this.#socket.release();
    // The answer to a close frame has to be read, too.
    if (this.#resume !== undefined) this.#socket.transport.resume();
  }
}
