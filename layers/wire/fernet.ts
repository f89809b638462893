import {
  createCipheriv,
  createDecipheriv,
  createHmac,
  createSecretKey,
  type KeyObject,
  randomBytes,
  timingSafeEqual,
} from "node:crypto";

/** The two halves of a Fernet key. `JSON.stringify` and `util.inspect` do not reveal a key object's bytes. */
export interface FernetKey {
  readonly signing: KeyObject;
  readonly encryption: KeyObject;
}

export interface TokenOptions {
  /** The time in the token, in seconds since 1970. It can be read without a key. @default now */
  readonly seconds?: number;
  /** 16 bytes that MUST NOT be used twice with one key. @default random bytes */
  readonly iv?: Uint8Array;
}

const version = 0x80;
const ivAt = 9;
const ciphertextAt = 25;
const macBytes = 32;
const blockBytes = 16;
const shortestToken = ciphertextAt + blockBytes + macBytes;

/** @param bytes 32 bytes: the first half signs, the second encrypts. */
export function fernetKey(bytes: Uint8Array): FernetKey {
  if (bytes.length !== 32) throw new RangeError("A Fernet key must have 32 bytes.");
  return {
    signing: createSecretKey(bytes.subarray(0, 16)),
    encryption: createSecretKey(bytes.subarray(16)),
  };
}

/**
 * Encrypts `plain` with AES-128-CBC, appends an HMAC-SHA256 of all bytes, and returns padded base64url.
 * @see https://github.com/fernet/spec/blob/master/Spec.md
 */
export function encryptToken(key: FernetKey, plain: Uint8Array, options: TokenOptions = {}): Buffer {
  const { seconds = Math.floor(Date.now() / 1_000), iv = randomBytes(blockBytes) } = options;
  const head = Buffer.alloc(ciphertextAt);
  head[0] = version;
  head.writeBigUInt64BE(BigInt(seconds), 1);
  head.set(iv, ivAt);
  const cipher = createCipheriv("aes-128-cbc", key.encryption, iv);
  const signed = Buffer.concat([head, cipher.update(plain), cipher.final()]);
  return toText(Buffer.concat([signed, macOf(key, signed)]));
}

/**
 * Returns the content of a token, or undefined if the token was modified or created with another key. Does
 * not check the token's age. Accepts only the canonical Base64 of a token, to detect any changed bit.
 */
export function decryptToken(keys: readonly FernetKey[], text: Uint8Array): Buffer | undefined {
  const token = fromText(text);
  if (token === undefined || token[0] !== version || token.length < shortestToken) return undefined;
  const signed = token.subarray(0, -macBytes);
  const mac = token.subarray(-macBytes);
  const key = keys.find((candidate) => timingSafeEqual(macOf(candidate, signed), mac));
  return key && decrypt(key, signed);
}

function decrypt(key: FernetKey, signed: Buffer): Buffer | undefined {
  const decipher = createDecipheriv("aes-128-cbc", key.encryption, signed.subarray(ivAt, ciphertextAt));
  const begin = decipher.update(signed.subarray(ciphertextAt));
  try {
    return Buffer.concat([begin, decipher.final()]);
  } catch {
    // The signature is valid, but the sender signed a ciphertext with a partial block or invalid padding.
    return undefined;
  }
}

function macOf(key: FernetKey, signed: Uint8Array): Buffer {
  return createHmac("sha256", key.signing).update(signed).digest();
}

function toText(token: Buffer): Buffer {
  const text = token.toString("base64url");
  return Buffer.from(text.padEnd(Math.ceil(text.length / 4) * 4, "="), "latin1");
}

function fromText(text: Uint8Array): Buffer | undefined {
  const bytes = Buffer.from(text.buffer, text.byteOffset, text.byteLength);
  const token = Buffer.from(bytes.toString("latin1"), "base64url");
  return toText(token).equals(bytes) ? token : undefined;
}
