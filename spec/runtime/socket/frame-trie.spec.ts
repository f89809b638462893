import { expect } from "chai";
import type { Frame } from "greenroom";
import { encodeFrame } from "../../../runtime/socket/frame-encoder.ts";
import { type EncodedParts, FrameTrie } from "../../../runtime/socket/frame-trie.ts";

describe("FrameTrie", () => {
  const of = (start: FrameTrie, ...frames: readonly Frame[]) =>
    frames.reduce((node: FrameTrie, frame) => node.append(frame), start);
  const bytesOf = (node: FrameTrie) => node.encode(Number.POSITIVE_INFINITY) as Buffer;
  const text = (bytes: Buffer) => bytes.toString("latin1");

  it("returns the same node and bytes for the same frames", () => {
    const root = FrameTrie.root();
    const blob = new Uint8Array([1, 2, 3]);
    const [one, other] = [of(root, "a", blob, "c"), of(root, "a", blob, "c")];
    expect(one).to.equal(other);
    expect(bytesOf(one)).to.equal(bytesOf(other));
    expect(text(bytesOf(one))).to.equal("\x81\x01a\x82\x03\x01\x02\x03\x81\x01c");
  });

  it("keeps a shorter sequence separate from a longer one with the same start", () => {
    const root = FrameTrie.root();
    const long = of(root, "a", "b");
    const short = of(root, "a");
    expect([text(bytesOf(short)), text(bytesOf(long))]).to.deep.equal(["\x81\x01a", "\x81\x01a\x81\x01b"]);
    expect([short.length, long.length, short.frames, long.frames]).to.deep.equal([1, 2, ["a"], ["a", "b"]]);
  });

  it("returns different nodes for frames that differ in content, kind or order", () => {
    const root = FrameTrie.root();
    const a = new Uint8Array([97]);
    const all = [
      of(root, "a", "b"),
      of(root, "b", "a"),
      of(root, "a"),
      of(root, a, "b"),
      of(root, "a", "a"),
      of(root, new Uint8Array([97]), "b"),
      of(FrameTrie.root(), "a", "b"),
    ];
    expect(new Set(all).size).to.equal(all.length);
    expect(text(bytesOf(of(root, a, "b")))).to.equal("\x82\x01a\x81\x01b");
  });

  it("remembers the children that were used last", () => {
    const root = FrameTrie.root();
    const variants = ["de", "en", "fr", "it"].map((frame) => root.append(frame));
    for (let round = 0; round < 3; round += 1) {
      expect(["fr", "de", "it", "en"].map((frame) => root.append(frame))).to.have.members(variants);
    }
    // A fifth child replaces the least recently used child.
    root.append("pl");
    expect(root.append("en")).to.equal(variants[1]);
    expect(root.append("it")).to.equal(variants[3]);
    expect(root.append("fr")).not.to.equal(variants[2]);
  });

  it("encodes a large frame once, even after different frames", () => {
    const root = FrameTrie.root();
    const large = new Uint8Array(2_000).fill(7);
    const expected = encodeFrame(large);
    const [one, other] = [of(root, "mine", large), of(root, "yours", large)];
    expect(bytesOf(one).subarray(6)).to.deep.equal(expected);
    large.fill(8);
    expect(bytesOf(other).subarray(7)).to.deep.equal(expected);
  });

  it("knows its size before it is encoded", () => {
    for (const frame of ["", "ä".repeat(62), "ä".repeat(63), "€".repeat(22_000), new Uint8Array(65_536)]) {
      const frames = of(FrameTrie.root(), "a", frame);
      expect(frames.size).to.equal(bytesOf(frames).length);
      expect(of(FrameTrie.root(), "a", frame).size).to.equal(bytesOf(frames).length);
    }
  });

  it("encodes a long sequence in several buffers, and shares those of large frames", () => {
    const root = FrameTrie.root();
    const large = new Uint8Array(2_000).fill(7);
    const small = Array.from({ length: 30 }, (_, n) => `${n}`.padStart(98, "0"));
    const medium = "m".repeat(200);
    const sequences = [of(root, ...small, large, "z"), of(root, "mine", large, large, "z", medium)];
    const [one, other] = sequences.map((node) => node.encode(1_000) as EncodedParts);
    expect(one?.parts.map(({ length }) => length)).to.deep.equal([1_000, 1_000, 1_000, 2_004, 3]);
    expect(other?.parts.map(({ length }) => length)).to.deep.equal([6, 2_004, 2_004, 3, 204]);
    expect(new Set([one?.parts[3], other?.parts[1], other?.parts[2]]).size).to.equal(1);
    for (const [index, parts] of [one, other].entries()) {
      const frames = sequences[index]?.frames.map(encodeFrame) ?? [];
      expect(Buffer.concat(parts?.parts ?? []).equals(Buffer.concat(frames))).to.equal(true);
      expect(parts?.size).to.equal(sequences[index]?.size);
    }
    expect(of(root, ...small, large, "z").encode(1_000)).to.equal(one);
  });
});
