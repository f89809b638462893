import { controlText } from "../../protocol/control-frames.ts";

const maxExcessFrames = 1_024;

/** Counts the frames of a client, and finds the control frames that answer the client. */
export class ClientFrames {
  #received = 0;
  #done = 0;
  /** The last number that the client was told of as done. */
  #told = 0;
  #isBeatDue = false;

  /** The number of frames that were taken off a socket. */
  get received(): number {
    return this.#received;
  }

  /** The number of frames that were handled. */
  get done(): number {
    return this.#done;
  }

  /**
   * Whether more frames wait than the pause of a socket above `frameHighWaterMark` can explain. A client that keeps
   * to its window has fewer. A client that resumes again and again could add some frames with each socket.
   */
  isFlood(frameHighWaterMark: number): boolean {
    return this.#received - this.#done > frameHighWaterMark + maxExcessFrames;
  }

  onReceived(): void {
    this.#received += 1;
  }

  onDone(): void {
    this.#done += 1;
  }

  /** The client has asked for a sign of life. */
  onBeat(): void {
    this.#isBeatDue = true;
  }

  /** The client learns of all frames that are done by another control frame, and has no open question. */
  onResumed(): void {
    this.#told = this.#done;
    this.#isBeatDue = false;
  }

  /** Takes the texts of the control frames that are due. @param hasAcks whether the client gets any `ack`. */
  takeDue(hasAcks: boolean): string[] {
    const due: string[] = [];
    if (hasAcks && this.#done > this.#told) due.push(controlText({ c: "ack", n: this.#done }));
    if (this.#isBeatDue) due.push(controlText({ c: "beat" }));
    this.onResumed();
    return due;
  }
}
