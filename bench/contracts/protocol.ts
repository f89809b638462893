import { type ClientProtocol, webSocket } from "../harness/client/client-protocol.ts";

/** The seat of the first member. All seats have four digits. */
export const firstSeat = 1_000;

/** A chat in JSON frames. @param end the end of each frame, after its text */
const chatEndingWith = (end: string): ClientProtocol => ({
  ...webSocket,
  message: (text) => webSocket.message(`{"type":"say","text":"${text}"}`),
  envelope: ['{"type":"said","text":"', end],
  joined: '{"type":"joined","value":true}',
});

export const protocols = {
  chat: chatEndingWith('"}'),
  seated: chatEndingWith(`","seat":${firstSeat}}`),
} satisfies Record<string, ClientProtocol>;

export type Protocol = keyof typeof protocols;
