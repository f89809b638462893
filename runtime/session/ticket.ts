import { createCipheriv, createDecipheriv, createHash, createHmac, randomBytes } from "node:crypto";
import type { Position } from "../../layers/message.ts";

/**
 * The facts about a session that a server passes to a later server, through the client. The client cannot read or
 * change them. They prove which groups the session was in, so that a client cannot read messages from before its
 * membership.
 */
export interface Ticket {
  /** The hash of the session's id: see {@link sessionHash}. */
  readonly session: string;
  /** The channel of the session's actor. Messages with this `except` are not for the client. */
  readonly channel: string;
  /** For each group, the position of the newest message that the session did not receive. */
  readonly floors: ReadonlyMap<string, Position>;
}

/** The facts that must be the same when a ticket is opened. They are not in the ticket. */
export interface TicketHolder {
  readonly path: string;
  /** Identifies the user, as for the resume of a session. */
  readonly userKey: string;
}

/** The maximum length of a ticket, in characters of base64url. */
export const maxTicketLength = 4_096;

const saltBytes = 16;
const tagBytes = 16;
const keyBytes = 32;
const nonceBytes = 12;
const maxContentBytes = Math.floor((maxTicketLength * 3) / 4) - saltBytes - tagBytes;

/** Distinguishes tickets from other uses of the secret, and from later formats. */
const purpose = "greenroom.v1 ticket";

type Floor = readonly [group: string, epoch: string, offset: number];
type Content = readonly [session: string, channel: string, expiresAt: number, floors: readonly Floor[]];

/** Identifies a session in a ticket without its secret. */
export const sessionHash = (session: string): string =>
  createHash("sha256").update(session).digest("base64url").slice(0, 22);

/**
 * Seals `ticket` for `holder`. If the groups do not all fit into {@link maxTicketLength}, the first ones are left
 * out. The length of the ticket reveals about how many groups it contains.
 *
 * @param secret 32 bytes that all nodes share.
 * @param expiresAt the time until which the ticket can be opened, in milliseconds since 1970.
 */
export function sealTicket(
  secret: Uint8Array,
  { session, channel, floors }: Ticket,
  holder: TicketHolder,
  expiresAt: number,
): string {
  const content: Content = [
    session,
    channel,
    expiresAt,
    newestThatFit(floors, session.length + channel.length),
  ];
  const salt = randomBytes(saltBytes);
  const { key, nonce } = keyOf(secret, salt);
  const cipher = createCipheriv("aes-256-gcm", key, nonce).setAAD(boundTo(holder));
  const sealed = Buffer.concat([cipher.update(JSON.stringify(content), "utf8"), cipher.final()]);
  return Buffer.concat([salt, sealed, cipher.getAuthTag()]).toString("base64url");
}

/**
 * Opens a ticket that a client has sent. Returns undefined if another secret sealed it, if it was changed, if it
 * belongs to another holder, or if it has expired.
 *
 * @param now in milliseconds since 1970.
 */
export function openTicket(
  secret: Uint8Array,
  text: unknown,
  holder: TicketHolder,
  now: number,
): Ticket | undefined {
  if (typeof text !== "string" || text.length > maxTicketLength) return undefined;
  const bytes = Buffer.from(text, "base64url");
  if (bytes.length < saltBytes + tagBytes) return undefined;
  const { key, nonce } = keyOf(secret, bytes.subarray(0, saltBytes));
  const decipher = createDecipheriv("aes-256-gcm", key, nonce)
    .setAAD(boundTo(holder))
    .setAuthTag(bytes.subarray(-tagBytes));
  try {
    const sealed = decipher.update(bytes.subarray(saltBytes, -tagBytes));
    const [session, channel, expiresAt, floors] = JSON.parse(
      Buffer.concat([sealed, decipher.final()]).toString(),
    ) as Content;
    if (now >= expiresAt) return undefined;
    const positions = floors.map(([group, epoch, offset]) => [group, { epoch, offset }] as const);
    return { session, channel, floors: new Map(positions) };
  } catch {
    return undefined;
  }
}

/** Each ticket has its own key, because two tickets with the same random nonce would reveal a shared key. */
function keyOf(secret: Uint8Array, salt: Uint8Array): { readonly key: Buffer; readonly nonce: Buffer } {
  const derived = createHmac("sha512", secret).update(purpose).update(salt).digest();
  return { key: derived.subarray(0, keyBytes), nonce: derived.subarray(keyBytes, keyBytes + nonceBytes) };
}

const boundTo = ({ path, userKey }: TicketHolder): Buffer => Buffer.from(JSON.stringify([path, userKey]));

/** The newest floors whose JSON fits besides `otherBytes`. */
function newestThatFit(floors: ReadonlyMap<string, Position>, otherBytes: number): readonly Floor[] {
  // The brackets, commas and quotes of the content, and the time.
  let bytes = otherBytes + 32;
  const fitting: Floor[] = [];
  for (const [group, { epoch, offset }] of [...floors].reverse()) {
    const floor: Floor = [group, epoch, offset];
    bytes += Buffer.byteLength(JSON.stringify(floor)) + 1;
    if (bytes > maxContentBytes) break;
    fitting.push(floor);
  }
  return fitting.reverse();
}
