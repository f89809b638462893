import { createHash, createHmac, createSecretKey } from "node:crypto";
import { InvalidOptionError } from "../errors.ts";
import { decryptToken, encryptToken, type FernetKey, fernetKey } from "./fernet.ts";

/** The keys that encrypt outgoing messages and decrypt incoming ones. */
export interface EncryptionOptions {
  /**
   * Secrets of any length above 0, such as 32 random bytes. The first key encrypts, and all keys decrypt, so
   * keys can be rotated node by node. A string is used as its UTF-8 bytes.
   */
  readonly keys: readonly (string | Uint8Array)[];
}

export interface Encryption {
  /** Whether payloads are encrypted. If so, each payload names its topic. */
  readonly isOn: boolean;
  encrypt(payload: Uint8Array): Uint8Array;
  /** @returns undefined if `encrypted` is too long, was modified, or was encrypted with another key. */
  decrypt(encrypted: Uint8Array): Uint8Array | undefined;
  /** Derives a key from `secret`. Needs the first key, so a server that stores `secret` cannot derive the key. */
  derive(secret: Uint8Array): Uint8Array;
}

/** Bounds the work that an unknown sender can cause. A payload of 1 MiB takes 1.34 MiB when encrypted. */
export const maxEncryptedBytes = 1.5 * 1024 * 1024;

const noEncryption: Encryption = {
  isOn: false,
  encrypt: (payload) => payload,
  decrypt: (payload) => payload,
  derive: (secret) => secret,
};

/**
 * Creates encryption as channels_redis does: in the Fernet format, with the SHA-256 of each secret as key.
 * @throws {InvalidOptionError} if there is no key, or if a key is empty. The error contains no key.
 */
export function createEncryption(options: EncryptionOptions | undefined): Encryption {
  if (options === undefined) return noEncryption;
  const keys = fernetKeys(options.keys);
  const deriving = createSecretKey(digest(options.keys[0] as string));
  return {
    isOn: true,
    encrypt: (payload) => encryptToken(keys[0], payload),
    decrypt: (token) => (token.length > maxEncryptedBytes ? undefined : decryptToken(keys, token)),
    derive: (secret) => createHmac("sha256", deriving).update(secret).digest(),
  };
}

function fernetKeys(secrets: EncryptionOptions["keys"]): readonly [FernetKey, ...FernetKey[]] {
  if (!Array.isArray(secrets))
    throw new InvalidOptionError("`encryption.keys` must be an array, even for a single key.");
  const [first, ...others] = secrets.map(derive);
  if (first !== undefined) return [first, ...others];
  throw new InvalidOptionError("`encryption.keys` is empty. Add a key, or omit `encryption`.");
}

function derive(secret: unknown, index: number): FernetKey {
  if (typeof secret !== "string" && !(secret instanceof Uint8Array)) {
    throw new InvalidOptionError(`\`encryption.keys[${index}]\` must be a string or a Uint8Array.`);
  }
  if (secret.length === 0) throw new InvalidOptionError(`\`encryption.keys[${index}]\` must not be empty.`);
  return fernetKey(digest(secret));
}

const digest = (secret: string | Uint8Array): Buffer => createHash("sha256").update(secret).digest();
