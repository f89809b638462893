import { expect } from "chai";
import fc from "fast-check";
import { FrameReader, opcodes } from "../../bench/harness/client/frame-reader.ts";
import { frameText } from "../../bench/harness/client/frame-text.ts";

type Frame = readonly [opcode: number, payload: string];

/** The frames that a reader finds in the chunks. Each chunk is overwritten after it is read. */
function read(chunks: readonly Buffer[]): Frame[] {
  const found: Frame[] = [];
  const reader = new FrameReader((opcode, bytes, start, end) => {
    found.push([opcode, bytes.toString("latin1", start, end)]);
  });
  for (const chunk of chunks) {
    const shared = Buffer.from(chunk);
    reader.read(shared);
    shared.fill(0xff);
  }
  return found;
}

/** A text in which neighbouring letters differ. */
function letters(length: number): string {
  return Array.from({ length }, (_, index) => String.fromCharCode(97 + (index % 25))).join("");
}

function cut(bytes: Buffer, places: readonly number[]): Buffer[] {
  const all = [0, ...places.map((place) => place % (bytes.length + 1)), bytes.length].sort((a, b) => a - b);
  return all.slice(1).map((to, index) => bytes.subarray(all[index], to));
}

describe("FrameReader", () => {
  for (const length of [0, 1, 125, 126, 127, 65_535, 65_536, 1_048_576]) {
    it(`finds a text of ${length} bytes between two others`, () => {
      const payload = letters(length);
      const bytes = Buffer.concat([frameText("before"), frameText(payload), frameText("after")]);
      const all = [
        [opcodes.text, "before"],
        [opcodes.text, payload],
        [opcodes.text, "after"],
      ];
      expect(read([bytes])).to.deep.equal(all);
      expect(read(cut(bytes, [9, 10, 11, 13, 18, bytes.length - 7]))).to.deep.equal(all);
    });
  }

  it("finds an empty text as soon as its head is complete", () => {
    expect(read([frameText("")])).to.deep.equal([[opcodes.text, ""]]);
  });

  it("finds the same frames in chunks that are cut anywhere", () => {
    const lengths = fc.array(fc.integer({ min: 0, max: 300 }), { minLength: 1, maxLength: 8 });
    const places = fc.array(fc.integer({ min: 0, max: 10_000 }), { maxLength: 12 });
    fc.assert(
      fc.property(lengths, places, (sizes, cuts) => {
        const payloads = sizes.map(letters);
        const bytes = Buffer.concat(payloads.map((payload) => frameText(payload)));
        expect(read(cut(bytes, cuts))).to.deep.equal(payloads.map((payload) => [opcodes.text, payload]));
      }),
    );
  });

  it("finds the same frames in chunks of one byte", () => {
    const payloads = [letters(3), "", letters(200)];
    const bytes = Buffer.concat(payloads.map((payload) => frameText(payload)));
    const chunks = Array.from(bytes, (byte) => Buffer.of(byte));
    expect(read(chunks)).to.deep.equal(payloads.map((payload) => [opcodes.text, payload]));
  });

  it("distinguishes control frames from texts", () => {
    const bytes = Buffer.concat([
      frameText("are you there", undefined, opcodes.ping),
      frameText("text"),
      Buffer.of(0x88, 2, 0x03, 0xe8),
    ]);
    expect(read([bytes])).to.deep.equal([
      [opcodes.ping, "are you there"],
      [opcodes.text, "text"],
      [opcodes.close, "\x03\xe8"],
    ]);
  });

  it("rejects frames that are masked, compressed or fragments", () => {
    expect(() => read([frameText("text", Buffer.of(1, 2, 3, 4))])).to.throw("masked");
    expect(() => read([Buffer.of(0xc1, 1, 97)])).to.throw("compressed");
    expect(() => read([Buffer.of(0x01, 1, 97)])).to.throw("fragment");
    expect(() => read([Buffer.of(0x80, 1, 97)])).to.throw("fragment");
  });
});

describe("frameText", () => {
  it("masks like the example of RFC 6455", () => {
    // The masked "Hello" of RFC 6455, 5.7.
    const frame = frameText("Hello", Buffer.of(0x37, 0xfa, 0x21, 0x3d));
    expect(frame.toString("hex")).to.equal("818537fa213d7f9f4d5158");
  });

  it("encodes the length in as few bytes as possible, as RFC 6455 requires", () => {
    const heads = [125, 126, 65_535, 65_536].map((length) => frameText(letters(length)).length - length);
    expect(heads).to.deep.equal([2, 4, 4, 10]);
  });

  it("counts bytes, not characters", () => {
    expect(frameText("é").toString("hex")).to.equal("8102c3a9");
  });
});
