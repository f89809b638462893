import { createCipheriv, createHash, createHmac } from "node:crypto";
import { inspect } from "node:util";
import { expect } from "chai";
import fc from "fast-check";
import { decryptToken, encryptToken, fernetKey } from "../../../layers/wire/fernet.ts";

const secret = "cw_0x689RpI-jtRR7oE8h_eQsKImvJapLeSbXpwF4e4=";
const token =
  "gAAAAAAdwJ6wAAECAwQFBgcICQoLDA0ODy021cpGVWKZ_eEwCGM4BLLF_5CV9dOPmrhuVUPgJobwOz7JcbmrR64jVmpU4IwqDA==";
const key = fernetKey(Buffer.from(secret, "base64url"));
const keyOf = (secret: number) => fernetKey(createHash("sha256").update(String(secret)).digest());
const keys = fc.nat().map(keyOf);
const plains = fc.uint8Array({ maxLength: 200 });

const text = (bytes: Uint8Array | undefined) => bytes && Buffer.from(bytes).toString("latin1");

/** Signs arbitrary `parts` with the right key. */
function signed(...parts: Uint8Array[]): Buffer {
  const body = Buffer.concat(parts);
  const raw = Buffer.concat([body, createHmac("sha256", key.signing).update(body).digest()]);
  return Buffer.from(raw.toString("base64").replaceAll("+", "-").replaceAll("/", "_"));
}

describe("encryptToken and decryptToken", () => {
  it("reproduce the example of the specification", () => {
    const iv = Uint8Array.from({ length: 16 }, (_, index) => index);
    const seconds = Date.parse("1985-10-26T01:20:00-07:00") / 1_000;
    expect(text(encryptToken(key, Buffer.from("hello"), { seconds, iv }))).to.equal(token);
    expect(text(decryptToken([key], Buffer.from(token)))).to.equal("hello");
  });

  it("round-trip all bytes, with the right key among others", () => {
    fc.assert(
      fc.property(
        plains,
        fc.array(keys, { maxLength: 3 }),
        keys,
        fc.array(keys, { maxLength: 3 }),
        (plain, before, own, after) => {
          expect(decryptToken([...before, own, ...after], encryptToken(own, plain))).to.deep.equal(
            Buffer.from(plain),
          );
        },
      ),
    );
  });

  it("refuse a token of another key", () => {
    fc.assert(
      fc.property(plains, fc.uniqueArray(fc.nat(), { minLength: 1 }), (plain, [own = 0, ...others]) => {
        expect(decryptToken(others.map(keyOf), encryptToken(keyOf(own), plain))).to.equal(undefined);
      }),
    );
  });

  it("refuse a token with a random bit changed", () => {
    fc.assert(
      fc.property(plains, keys, fc.nat(), fc.integer({ min: 0, max: 7 }), (plain, own, at, bit) => {
        const token = encryptToken(own, plain);
        const index = at % token.length;
        token[index] = (token[index] ?? 0) ^ (1 << bit);
        expect(decryptToken([own], token)).to.equal(undefined);
      }),
      { numRuns: 1_000 },
    );
  });

  it("refuse a token with any single bit changed, including the padding", () => {
    for (const length of [0, 5, 16, 32]) {
      const token = encryptToken(key, new Uint8Array(length));
      for (let bit = 0; bit < token.length * 8; bit += 1) {
        const changed = Buffer.from(token);
        changed[bit >> 3] = (changed[bit >> 3] ?? 0) ^ (1 << (bit & 7));
        expect(decryptToken([key], changed), `bit ${bit} of a token of ${length} bytes`).to.equal(undefined);
      }
    }
  });

  it("refuse a token that is shortened or extended at either end", () => {
    fc.assert(
      fc.property(plains, keys, fc.nat(), (plain, own, at) => {
        const token = encryptToken(own, plain);
        const index = at % token.length;
        const cut = [token.subarray(0, index), token.subarray(index + 1)];
        const longer = [
          Buffer.concat([token, token.subarray(0, index + 1)]),
          Buffer.concat([Buffer.from("="), token]),
        ];
        for (const bytes of [...cut, ...longer]) expect(decryptToken([own], bytes)).to.equal(undefined);
      }),
    );
  });

  it("refuse random bytes", () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 300 }), keys, (bytes, own) => {
        expect(decryptToken([own], bytes)).to.equal(undefined);
        expect(decryptToken([own], Buffer.from(Buffer.from(bytes).toString("base64url")))).to.equal(
          undefined,
        );
      }),
    );
  });

  it("refuse another spelling: without padding, with blanks, in the other alphabet", () => {
    // This token contains both characters that differ between the two alphabets.
    const iv = new Uint8Array(16).fill(0xfb);
    const token = String(encryptToken(key, Buffer.from("hello"), { iv }));
    expect(decryptToken([key], Buffer.from(token))).not.to.equal(undefined);
    const spellings = [token.replace(/=+$/, ""), `${token}\n`, ` ${token}`, `${token}=`];
    spellings.push(token.replaceAll("-", "+"), token.replaceAll("_", "/"));
    expect(new Set(spellings)).to.have.lengthOf(6).and.not.to.include(token);
    for (const spelling of spellings) {
      expect(decryptToken([key], Buffer.from(spelling)), spelling).to.equal(undefined);
    }
  });

  it("refuse a malformed token with a valid signature", () => {
    const head = Buffer.concat([Uint8Array.of(0x80), new Uint8Array(24)]);
    const iv = head.subarray(9);
    const encrypt = (plain: Uint8Array) => {
      const cipher = createCipheriv("aes-128-cbc", key.encryption, iv).setAutoPadding(false);
      return Buffer.concat([cipher.update(plain), cipher.final()]);
    };
    const block = encrypt(new Uint8Array(16).fill(16));
    expect(decryptToken([key], signed(head, block))).to.deep.equal(Buffer.alloc(0));
    const wrong = {
      "another version": signed(Uint8Array.of(0x81), head.subarray(1), block),
      "no ciphertext": signed(head),
      "half a block": signed(head, block.subarray(8)),
      "padding of 0": signed(head, encrypt(new Uint8Array(16))),
      "padding of 17": signed(head, encrypt(new Uint8Array(16).fill(17))),
      "no time and no IV": signed(Uint8Array.of(0x80)),
      nothing: signed(),
    };
    for (const [name, bytes] of Object.entries(wrong)) {
      expect(decryptToken([key], bytes), name).to.equal(undefined);
    }
  });

  it("write the time in seconds, and never the same token twice", () => {
    const before = Math.floor(Date.now() / 1_000);
    const raw = Buffer.from(String(encryptToken(key, new Uint8Array())), "base64url");
    expect(Number(raw.readBigUInt64BE(1))).to.be.within(before, Math.floor(Date.now() / 1_000));
    const tokens = Array.from({ length: 100 }, () =>
      String(encryptToken(key, new Uint8Array(), { seconds: 1 })),
    );
    expect(new Set(tokens)).to.have.lengthOf(100);
  });
});

describe("fernetKey", () => {
  it("refuses keys that do not have 32 bytes", () => {
    for (const length of [0, 16, 31, 33])
      expect(() => fernetKey(new Uint8Array(length))).to.throw(RangeError);
  });

  it("does not show the key to inspect or JSON.stringify", () => {
    const shown = inspect(key, { depth: null, showHidden: true }) + JSON.stringify(key);
    for (const half of [key.signing, key.encryption]) {
      for (const encoding of ["hex", "base64", "base64url"] as const) {
        expect(shown).not.to.include(half.export().toString(encoding));
      }
    }
    expect(JSON.stringify(key)).to.equal('{"signing":{},"encryption":{}}');
  });
});
