import { WebSocket } from "ws";
import { unpool } from "./unpool.ts";

/** The answers to a client's pings. */
interface Pongs {
  /** Number of pongs that the socket has not written yet. */
  pending: number;
  /** The payload of the newest ping, if it is not answered yet. */
  newest: Buffer | undefined;
  readonly onWritten: () => void;
}

/** While this many pongs wait, only the newest of the further pings is answered, as RFC 6455, 5.5.3, allows. */
const maxPending = 60;
const pongs = Symbol("pongs");

interface PingedWebSocket extends WebSocket {
  /** Created on demand, because most clients never send a ping. */
  [pongs]?: Pongs;
}

/** Answers a ping. A listener of `ping` that all WebSockets share. */
export function answerPing(this: WebSocket, payload: Buffer): void {
  const websocket = this as PingedWebSocket;
  websocket[pongs] ??= createPongs(websocket);
  websocket[pongs].newest = unpool(payload);
  answerNewest(websocket, websocket[pongs]);
}

function createPongs(websocket: WebSocket): Pongs {
  const created: Pongs = {
    pending: 0,
    newest: undefined,
    onWritten: () => {
      created.pending -= 1;
      answerNewest(websocket, created);
    },
  };
  return created;
}

function answerNewest(websocket: WebSocket, state: Pongs): void {
  const { newest, pending, onWritten } = state;
  if (newest === undefined || pending >= maxPending || websocket.readyState !== WebSocket.OPEN) return;
  state.newest = undefined;
  state.pending += 1;
  websocket.pong(newest, false, onWritten);
}
