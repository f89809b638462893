import type { EventEmitter } from "node:events";
import type { ServerResponse } from "node:http";
import type { Socket } from "node:net";
import type { Budget, Task } from "../../layers/scheduling/lane.ts";
import type { Scheduler } from "../scheduler/scheduler.ts";

/** The maximum size of a slice, in bytes. A slice ends with the first head of a request in it. */
const sliceBytes = 1_024;
/** Handling a slice takes about as long as this many units of a budget. */
const unitsPerSlice = 32;
const endOfHead = "\r\n\r\n";
/** The number of requests that one client may send before the response to the first of them has ended. */
const maxPipelined = 8;

/** The parts of a server's socket that Node does not document. */
interface RequestSocket extends Socket {
  /** Absent unless the socket carries requests of HTTP/1.1. An upgrade removes it. */
  readonly parser?: object | null;
  /** The response that is being sent. */
  readonly _httpMessage?: ServerResponse | null;
  /** Whether the server has paused the socket, because the client does not read the responses. */
  readonly _paused?: boolean;
}

type Parse = (chunk: Buffer) => void;

/** A listener whose `listener` is another one: removing that one removes this one, as with `once`. */
type Listener = Parse & { listener?: Parse };

type RequestScheduler = Pick<Scheduler, "reads">;

/**
 * Parses the requests of the new sockets of a server in slices, in which all sockets share the time of the event
 * loop. Node parses and handles all that one read brings without a pause: 2,500 requests, or 11,000 chunks of a body,
 * took 80 ms, and each further socket took as long before any other client was served.
 *
 * @returns a function that ends this for further sockets.
 */
export function paceRequests(server: EventEmitter, scheduler: RequestScheduler): () => void {
  const onSocket = (socket: RequestSocket) => {
    const parse = socket.rawListeners("data").at(-1) as Listener | undefined;
    // Another runtime may have refused the socket, or paces it already.
    if (socket.destroyed || !socket.parser || parse === undefined || parse.listener !== undefined) return;
    new PacedRequests(socket, parse, scheduler);
  };
  // Behind the listeners of the server, which create the parser. With TLS, it is created after the handshake.
  const events = ["connection", "secureConnection"];
  for (const event of events) server.on(event, onSocket);
  return () => {
    for (const event of events) server.off(event, onSocket);
  };
}

/** Takes the place of the server's listener for the bytes of one socket, until an upgrade removes that listener. */
class PacedRequests implements Task {
  readonly #socket: RequestSocket;
  readonly #parse: Parse;
  readonly #scheduler: RequestScheduler;
  /** The number of slices that were parsed while an earlier request had no complete response. */
  #pipelined = 0;
  #isReading = false;
  /** Whether the socket is paused, and its bytes wait for {@link run} or for the end of a response. */
  #isHeld = false;

  constructor(socket: RequestSocket, parse: Parse, scheduler: RequestScheduler) {
    this.#socket = socket;
    this.#parse = parse;
    this.#scheduler = scheduler;
    const onData: Listener = (chunk) => this.#read(chunk);
    onData.listener = parse;
    socket.off("data", parse);
    socket.on("data", onData);
  }

  run(budget: Budget): boolean {
    const socket = this.#socket;
    while (this.#mayParse && socket.readableLength > 0) {
      if (!budget.hasTime) return false;
      if (this.#awaitsResponse()) return true;
      this.#parseSlice();
      budget.charge(unitsPerSlice);
    }
    this.#isHeld = false;
    if (this.#mayParse) socket.resume();
    return true;
  }

  #read(chunk: Buffer): void {
    if (this.#isReading) return;
    // The usual case: a request whose client awaits the response. An upgrade has a queue of its own.
    if (!this.#isHeld && !this.#socket._httpMessage && sizeOfSlice(chunk) === chunk.length) {
      this.#parse(chunk);
      return;
    }
    this.#socket.pause();
    this.#socket.unshift(chunk);
    if (this.#isHeld) return;
    this.#isHeld = true;
    this.#scheduler.reads.add(this);
  }

  #parseSlice(): void {
    const socket = this.#socket;
    this.#isReading = true;
    const chunk: Buffer = socket.read(Math.min(sliceBytes, socket.readableLength));
    this.#isReading = false;
    const size = sizeOfSlice(chunk);
    // Before the slice is parsed: an upgrade puts bytes of the slice in front of the others.
    if (size < chunk.length) socket.unshift(chunk.subarray(size));
    this.#parse(chunk.subarray(0, size));
  }

  /** Whether the next slice has to wait for the end of a response. If so, calls {@link run} after it. */
  #awaitsResponse(): boolean {
    const response = this.#socket._httpMessage;
    if (!response) this.#pipelined = 0;
    // A response may depend on the rest of its request.
    if (!response?.req.complete) return false;
    this.#pipelined += 1;
    if (this.#pipelined <= maxPipelined) return false;
    response.once("close", () => this.#scheduler.reads.add(this));
    return true;
  }

  /** Whether the socket still carries requests, and its client reads the responses. */
  get #mayParse(): boolean {
    const { _paused: isPausedByServer, destroyed, parser } = this.#socket;
    return !destroyed && !isPausedByServer && Boolean(parser);
  }
}

/** The size of the first slice of a chunk, in bytes. */
function sizeOfSlice(chunk: Buffer): number {
  const end = chunk.indexOf(endOfHead);
  return Math.min(end === -1 ? chunk.length : end + endOfHead.length, sliceBytes);
}
