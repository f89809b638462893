import { createHash } from "node:crypto";
import { InvalidOptionError } from "../errors.ts";
import { decryptToken, encryptToken, type FernetKey, fernetKey } from "./fernet.ts";

/** The keys with which a layer encrypts what it sends and decrypts what arrives. */
export interface EncryptionOptions {
  /**
   * Secrets of any length above 0, such as 32 random bytes. The first one encrypts and all decrypt, so that keys can
   * be changed node by node. A text counts as its UTF-8 bytes.
   */
  readonly keys: readonly (string | Uint8Array)[];
}

/** Encrypts and decrypts every payload that a layer sends, receives or stores. */
export interface Encryption {
  encrypt(payload: Uint8Array): Uint8Array;
  /** @returns undefined if `encrypted` is too long, was changed, or was not encrypted with one of the keys. */
  decrypt(encrypted: Uint8Array): Uint8Array | undefined;
}

/**
 * The largest encrypted payload that is decrypted, in bytes, so that strangers cannot have more hashed. Encryption
 * turns 1 MiB, the codec's limit, into 1.34 MiB.
 */
export const maxEncryptedBytes = 1.5 * 1024 * 1024;

const noEncryption: Encryption = { encrypt: (payload) => payload, decrypt: (payload) => payload };

/**
 * Encrypts in the Fernet format, as channels_redis does with `symmetric_encryption_keys`: a Fernet key is the
 * SHA-256 of the secret. Reading, writing and repeating messages takes one of the keys. Without `options`, payloads
 * stay as they are.
 *
 * @throws {InvalidOptionError} without a key, or with one that is empty. The error shows no key.
 */
export function createEncryption(options: EncryptionOptions | undefined): Encryption {
  if (options === undefined) return noEncryption;
  const keys = fernetKeys(options.keys);
  return {
    encrypt: (payload) => encryptToken(keys[0], payload),
    decrypt: (token) => (token.length > maxEncryptedBytes ? undefined : decryptToken(keys, token)),
  };
}

function fernetKeys(secrets: EncryptionOptions["keys"]): readonly [FernetKey, ...FernetKey[]] {
  if (!Array.isArray(secrets))
    throw new InvalidOptionError("`encryption.keys` is a list, also of a single key.");
  const [first, ...others] = secrets.map(derive);
  if (first !== undefined) return [first, ...others];
  throw new InvalidOptionError(
    "`encryption.keys` is empty: give one key at least, or leave out `encryption`.",
  );
}

function derive(secret: unknown, index: number): FernetKey {
  if (typeof secret !== "string" && !(secret instanceof Uint8Array)) {
    throw new InvalidOptionError(`\`encryption.keys[${index}]\` is neither a text nor bytes.`);
  }
  if (secret.length === 0) throw new InvalidOptionError(`\`encryption.keys[${index}]\` is empty.`);
  return fernetKey(createHash("sha256").update(secret).digest());
}
