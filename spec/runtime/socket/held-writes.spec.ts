import { expect } from "chai";
import type { Frame } from "greenroom";
import { FrameTrie } from "../../../runtime/socket/frame-trie.ts";
import { HeldWrites, type Piece, pieceBytes, type Write } from "../../../runtime/socket/held-writes.ts";

describe("HeldWrites", () => {
  const encoded = (...frames: readonly Frame[]): Write => {
    const node = frames.reduce((node: FrameTrie, frame) => node.append(frame), FrameTrie.root());
    const content = node.encode(Number.POSITIVE_INFINITY);
    return { content, length: frames.length, size: node.size };
  };
  const listed = (...frames: readonly Frame[]): Write => ({ ...encoded(...frames), content: frames });
  const large = Buffer.alloc(300_000, 5);

  function takeAll(held: HeldWrites): Piece[] {
    const pieces: Piece[] = [];
    for (let piece = held.take(); piece !== undefined; piece = held.take()) pieces.push(piece);
    return pieces;
  }

  it("cuts encoded frames at the ends of frames, without a change of the bytes", () => {
    const held = new HeldWrites();
    const writes = [
      encoded("a"),
      encoded(...Array.from({ length: 5_000 }, () => "x".repeat(100))),
      encoded(large),
    ];
    for (const write of writes) held.add(write);
    expect(held.bytes).to.equal(writes.reduce((sum, { size }) => sum + size, 0));
    const pieces = takeAll(held);
    expect(held.bytes).to.equal(0);
    const contents = pieces.map(({ content }) => content as Buffer);
    const all = writes.map(({ content }) => content as Buffer);
    expect(Buffer.concat(contents).equals(Buffer.concat(all))).to.equal(true);
    for (const { size } of pieces) expect(size).to.be.below(pieceBytes + 65_540);
    expect(pieces.reduce((sum, { length }) => sum + length, 0)).to.equal(5_002);
    // The opcode and the FIN bit at the start of each piece: whole frames, then the fragments of the large frame.
    expect(contents.map((bytes) => bytes[0])).to.deep.equal([0x81, 0x81, 0x81, 0x81, 0x81, 0x02, 0x00, 0x80]);
  });

  it("passes listed frames one at a time, and a large one in fragments", () => {
    const held = new HeldWrites();
    const write = listed("a", large, "é".repeat(40_000));
    held.add(write);
    expect(held.bytes).to.equal(write.size);
    const fragments = takeAll(held).map(({ content, length }) => {
      const { data, binary, fin } = content as Exclude<Piece["content"], Buffer>;
      expect(length).to.equal(fin ? 1 : 0);
      return `${binary} ${fin} ${data.length}`;
    });
    expect(fragments).to.deep.equal([
      "false true 1",
      ...Array.from({ length: 4 }, () => "true false 65535"),
      "true true 37860",
      "false false 65535",
      "false true 14465",
    ]);
    expect(held.bytes).to.equal(0);
  });

  it("drops the oldest write, unless it has begun or is the only one", () => {
    const held = new HeldWrites();
    const [first, second, third] = [encoded(large), encoded("b"), encoded("c")];
    for (const write of [first, second, third]) held.add(write);
    held.take();
    expect(held.takeOldest()).to.equal(second);
    expect(held.takeOldest()).to.equal(undefined);
    expect(takeAll(held).at(-1)?.content).to.deep.equal(third.content);
  });

  describe("with control frames", () => {
    const control = (text: string): Write => ({ ...encoded(text), length: 0 });
    const textsOf = (held: HeldWrites) =>
      takeAll(held).map(({ content }) =>
        Buffer.isBuffer(content) ? String(content.subarray(2)) : content.data,
      );

    it("never drops them, and tells of dropped frames in the place of the frames", () => {
      const held = new HeldWrites((count) => `skip ${count}`);
      const frames = ["a", "b", "c", "d", "e"].map((text) => encoded(text, text));
      for (const write of [...frames.slice(0, 2), control("ack"), control("beat"), ...frames.slice(2)])
        held.add(write);
      expect(held.hasControls).to.equal(true);
      for (const write of frames.slice(0, 3)) expect(held.takeOldest()).to.equal(write);
      expect(held.hasControls).to.equal(true);
      expect(held.takeOldest()).to.equal(frames[3]);
      expect(held.takeOldest()).to.equal(undefined);
      const { bytes } = held;
      expect(textsOf(held).slice(0, -1)).to.deep.equal(["skip 4", "ack", "beat", "skip 4"]);
      expect([bytes > 0, held.bytes, held.hasControls]).to.deep.equal([true, 0, false]);
    });

    it("does not count them as the one write that is kept", () => {
      const held = new HeldWrites();
      for (const write of [encoded("a"), control("ack")]) held.add(write);
      expect(held.takeOldest()).to.equal(undefined);
      expect(textsOf(held)).to.deep.equal(["a", "ack"]);
    });

    it("does not count them as frames when it is cleared", () => {
      const held = new HeldWrites((count) => `skip ${count}`);
      for (const write of [control("ack"), encoded("a"), control("ack"), encoded("b", "c")]) held.add(write);
      held.take();
      held.takeOldest();
      held.take();
      expect(held.clear()).to.equal(2);
      expect([held.bytes, held.hasControls, held.take()]).to.deep.equal([0, false, undefined]);
    });
  });

  it("counts the frames that are not taken completely when it is cleared", () => {
    const held = new HeldWrites();
    held.add(encoded("a", large, "b"));
    held.add(encoded("c", "d"));
    held.take();
    expect(held.clear()).to.equal(4);
    expect([held.bytes, held.take(), held.clear()]).to.deep.equal([0, undefined, 0]);
  });

  it("takes several buffers in their order", () => {
    const held = new HeldWrites();
    const parts = [encoded("a", "b"), encoded(large), encoded("c")].map(({ content }) => content as Buffer);
    const size = parts.reduce((sum, { length }) => sum + length, 0);
    held.add({ content: { parts, size }, length: 4, size });
    const pieces = takeAll(held);
    expect(
      Buffer.concat(pieces.map(({ content }) => content as Buffer)).equals(Buffer.concat(parts)),
    ).to.equal(true);
    expect(pieces.map(({ length }) => length)).to.deep.equal([2, 0, 0, 1, 1]);
    expect(held.bytes).to.equal(0);
  });
});
