import { createHash } from "node:crypto";
import { InvalidOptionError } from "../errors.ts";
import { type FernetKey, fernetKey, openToken, sealToken } from "./fernet.ts";

/** How a layer encrypts what it sends, and reads what others have encrypted. */
export interface EncryptionOptions {
  /**
   * Secrets of any length but none, such as 32 random bytes: the first one encrypts, and each of them decrypts, so that
   * keys can be changed node by node. A text counts as its UTF-8 bytes.
   */
  readonly keys: readonly (string | Uint8Array)[];
}

/** Turns a payload into what goes on the wire or into a store, and back. Whatever a layer carries passes through here. */
export interface Sealing {
  seal(payload: Uint8Array): Uint8Array;
  /** Gives nothing for what was not sealed with one of the keys, or was changed since, or is too long. */
  open(sealed: Uint8Array): Uint8Array | undefined;
}

/**
 * The largest sealed payload that is looked into, in bytes. A plain one of 1 MiB becomes 1.34 MiB; that limit is the
 * codec's, and this one keeps strangers from having more than that decoded and hashed.
 */
export const maxSealedBytes = 1.5 * 1024 * 1024;

/** A layer without keys: what is sealed is the payload itself. */
const plain: Sealing = { seal: (payload) => payload, open: (sealed) => sealed };

/**
 * Seals in the Fernet format, as channels_redis does with `symmetric_encryption_keys`: a key of Fernet is the SHA-256 of
 * the secret. Whoever has one of the keys can read, write and repeat messages; nobody else can read or change them.
 *
 * @throws {InvalidOptionError} without a key, or with one that is empty. No key is ever shown.
 */
export function createSealing(encryption: EncryptionOptions | undefined): Sealing {
  if (encryption === undefined) return plain;
  const keys = readKeys(encryption.keys);
  const [first] = keys;
  return {
    seal: (payload) => sealToken(first, payload),
    open: (sealed) => (sealed.length > maxSealedBytes ? undefined : openToken(keys, sealed)),
  };
}

function readKeys(secrets: EncryptionOptions["keys"]): readonly [FernetKey, ...FernetKey[]] {
  if (!Array.isArray(secrets)) {
    throw new InvalidOptionError("`encryption.keys` is a list, also of a single key.");
  }
  const [first, ...others] = secrets.map(derive);
  if (first === undefined) {
    throw new InvalidOptionError(
      "`encryption.keys` is empty: give one key at least, or leave out `encryption`.",
    );
  }
  return [first, ...others];
}

function derive(secret: unknown, index: number): FernetKey {
  if (typeof secret !== "string" && !(secret instanceof Uint8Array)) {
    throw new InvalidOptionError(`\`encryption.keys[${index}]\` is neither a text nor bytes.`);
  }
  if (secret.length === 0) throw new InvalidOptionError(`\`encryption.keys[${index}]\` is empty.`);
  return fernetKey(createHash("sha256").update(secret).digest());
}
