/**
 * Whether `greenroom/client` comes back after a socket has closed with a code: always, never, or unless the server has
 * said `bye` before, which makes the close final.
 */
export type Return = "always" | "never" | "unless-bye";

/**
 * The close codes of both ends. RFC 6455 (section 7.4.1) and the IANA define 1000 to 1015. The range 3000 to 3999 is
 * for libraries. The server Centrifugo closes slow clients with 3008, too.
 */
export const CloseCode = {
  normal: 1000,
  goingAway: 1001,
  protocolError: 1002,
  unsupportedFrame: 1003,
  noStatus: 1005,
  abnormal: 1006,
  invalidText: 1007,
  policy: 1008,
  tooLarge: 1009,
  failure: 1011,
  restart: 1012,
  overflow: 1013,
  slow: 3008,
  /** The time for which the guards have admitted the client is over: 3000 and the status 401. */
  expired: 3401,
  /** The client has sent too many frames or bytes. HTTP has no status 490. */
  flood: 3490,
  /** The actor has reached a limit. HTTP has no status 491. */
  limit: 3491,
  /** The client has given up this socket. */
  givenUp: 3990,
  /** Another socket of the client has taken over the session. */
  fenced: 3991,
  /** A later attempt of the client has already resumed the session. */
  stale: 3992,
  /** The session does not exist on this node, or has ended. */
  gone: 3993,
} as const;

/** The close code of a refusal is the sum of this number and the HTTP status. */
export const refusalCode = 3000;

type Ranges = readonly (readonly [first: number, last: number])[];

const isIn = (ranges: Ranges, code: number): boolean =>
  ranges.some(([first, last]) => first <= code && code <= last);

/** The codes that mean `always`, besides the {@link temporaryRefusals}. */
const returningCodes: Ranges = [
  [1001, 1001],
  [1004, 1006],
  [1011, 1015],
  [3008, 3008],
  [3500, 3599],
  [3990, 3990],
  [3992, 3993],
];

/** The refusals with a status below 500 that may change by themselves. */
const temporaryRefusals = [3408, 3425, 3426, 3429];

/** Whether `code` means `never`: after a violation, a refusal, and if another socket has taken over. */
export const isFinal = (code: number): boolean =>
  [1002, 1003, 1007, 1008, 1009, 1010, 3991].includes(code) ||
  (3300 <= code && code < 3500 && !temporaryRefusals.includes(code));

/** Whether the client comes back after its socket was closed with `code`. */
export function comesBack(code: number): Return {
  if (isFinal(code)) return "never";
  return temporaryRefusals.includes(code) || isIn(returningCodes, code) ? "always" : "unless-bye";
}
