import { escapeText, isControl, mark, unescapeText } from "../../../protocol/control-frames.ts";
import type { Rules } from "./rules.ts";

/** The request for an upgrade, a text frame, or the close frame that ends a direction. */
export type Packet = { readonly open: true } | string | Close;

export interface Close {
  readonly close: number;
}

/** One direction of a socket. Packets arrive in order; a cut loses those at the end. */
export class Pipe {
  readonly packets: Packet[] = [];
  #isEnded = false;

  write(packet: Packet): void {
    if (!this.#isEnded) this.packets.push(packet);
  }

  /** Nothing follows a close frame. */
  close(code: number): void {
    this.write({ close: code });
    this.#isEnded = true;
  }

  /** Loses all packets behind the first `kept`. The reader learns of it behind those. */
  cut(kept: number): void {
    if (this.#isEnded && this.packets.length === 0) return;
    this.packets.length = Math.min(kept, this.packets.length);
    this.packets.push({ close: 1006 });
    this.#isEnded = true;
  }
}

/** A socket of a user. Packets written before an end has given the socket up arrive nevertheless. */
export class Socket {
  readonly up = new Pipe();
  readonly down = new Pipe();
  readonly user: string;
  /** Whether the client offers to resume a session. */
  readonly isResume: boolean;
  /** Whether the client says that a since follows the hello. */
  readonly hasTicket: boolean;

  constructor(user: string, isResume: boolean, hasTicket: boolean) {
    this.user = user;
    this.isResume = isResume;
    this.hasTicket = hasTicket;
    this.up.write({ open: true });
  }
}

/** The form of texts on a wire. */
export class Codec {
  readonly #isEscaping: boolean;

  constructor(rules: Rules) {
    this.#isEscaping = rules.textsAreEscaped;
  }

  encode = (text: string): string => (this.#isEscaping ? escapeText(text) : text);

  decode = (text: string): string => (this.#isEscaping ? unescapeText(text) : text);

  isControl = (text: string): boolean => (this.#isEscaping ? isControl(text) : text.startsWith(mark));
}
