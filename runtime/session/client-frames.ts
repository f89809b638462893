import { controlText } from "../../protocol/control-frames.ts";

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

  /** The number of frames that wait for their handlers, or for the pending one. */
  get waiting(): number {
    return this.#received - this.#done;
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
