import fc from "fast-check";
import { encodeFrame, Opcode } from "../../support/raw-websocket.ts";

/** A stream of a client: its bytes, and the places at which it is divided into reads. */
export interface ByteStream {
  readonly bytes: Buffer;
  readonly cuts: readonly number[];
}

const size = fc.oneof(
  { weight: 6, arbitrary: fc.nat(20) },
  { weight: 2, arbitrary: fc.constantFrom(125, 126, 127, 1_000, 1_024) },
  { weight: 1, arbitrary: fc.constantFrom(65_535, 65_536, 65_537) },
);
const text = fc.oneof(fc.string({ maxLength: 20 }), fc.constantFrom("κόσμε", "\u{1f600}x", "", "\u0001{}"));
const payload = fc.oneof(
  text.map((given) => Buffer.from(given)),
  size.map((length) => Buffer.alloc(length, "abcdefg")),
);
const short = fc.oneof(fc.uint8Array({ maxLength: 10 }), fc.constant(new Uint8Array(125)));
const control = fc.tuple(fc.constantFrom(Opcode.ping, Opcode.pong), short);

/** One message, as one frame or in fragments, with control frames between the fragments. */
const message = fc
  .tuple(
    fc.constantFrom(Opcode.text, Opcode.binary),
    payload,
    fc.array(fc.tuple(fc.nat(70_000), fc.option(control)), { maxLength: 3 }),
  )
  .map(([opcode, bytes, fragments]) => {
    const ends = fragments.map(([end]) => Math.min(end, bytes.length)).sort((a, b) => a - b);
    const frames: Buffer[] = [];
    let at = 0;
    for (const [index, end] of [...ends, bytes.length].entries()) {
      const kind = index === 0 ? opcode : Opcode.continuation;
      frames.push(encodeFrame(kind, bytes.subarray(at, end), { fin: index === ends.length }));
      at = end;
      const between = index < ends.length ? fragments[index]?.[1] : undefined;
      if (between) frames.push(encodeFrame(...between));
    }
    return Buffer.concat(frames);
  });

const closeCode = fc.oneof(fc.constantFrom(1_000, 1_001, 1_005, 1_006, 3_000, 4_999, 5_000), fc.nat(65_535));
const close = fc.oneof(
  closeCode.map((code) => Buffer.from([code >> 8, code & 0xff])),
  fc
    .tuple(closeCode, short)
    .map(([code, bytes]) => Buffer.concat([Buffer.from([code >> 8, code & 0xff]), bytes])),
  fc.constantFrom(Buffer.alloc(0), Buffer.alloc(1)),
);
const frame = fc.oneof(
  { weight: 8, arbitrary: message },
  { weight: 3, arbitrary: control.map((given) => encodeFrame(...given)) },
  { weight: 1, arbitrary: close.map((bytes) => encodeFrame(Opcode.close, bytes.subarray(0, 125))) },
);

/** Changes a stream at a place. */
type Mutation = (bytes: Buffer) => Buffer;
const place = fc.double({ min: 0, max: 1, noNaN: true, maxExcluded: true });
const mutation: fc.Arbitrary<Mutation> = fc.oneof(
  fc.tuple(place, fc.integer({ min: 1, max: 255 })).map(
    ([at, bits]): Mutation =>
      (bytes) => {
        const changed = Buffer.from(bytes);
        const index = Math.floor(at * bytes.length);
        if (index < changed.length) changed[index] = (changed[index] as number) ^ bits;
        return changed;
      },
  ),
  fc.tuple(place, fc.uint8Array({ maxLength: 6 })).map(
    ([at, more]): Mutation =>
      (bytes) => {
        const index = Math.floor(at * bytes.length);
        return Buffer.concat([bytes.subarray(0, index), more, bytes.subarray(index)]);
      },
  ),
  fc.tuple(place, fc.nat(20)).map(
    ([at, length]): Mutation =>
      (bytes) => {
        const index = Math.floor(at * bytes.length);
        return Buffer.concat([bytes.subarray(0, index), bytes.subarray(index + length)]);
      },
  ),
);

/** Streams of valid frames, most with a few mutations, divided at random places. */
export const byteStreams: fc.Arbitrary<ByteStream> = fc
  .tuple(
    fc.array(frame, { minLength: 1, maxLength: 12 }),
    fc.oneof(
      { weight: 1, arbitrary: fc.constant<Mutation[]>([]) },
      { weight: 2, arbitrary: fc.array(mutation, { maxLength: 2 }) },
    ),
    fc.array(place, { maxLength: 4 }),
  )
  .map(([frames, mutations, cuts]) => {
    const bytes = mutations.reduce<Buffer>((stream, mutate) => mutate(stream), Buffer.concat(frames));
    const places = cuts.map((cut) => Math.floor(cut * bytes.length)).sort((a, b) => a - b);
    return { bytes, cuts: places };
  });

/** The parts of a stream between its cuts. */
export function partsOf({ bytes, cuts }: ByteStream): Buffer[] {
  const ends = [...cuts, bytes.length];
  return ends
    .map((end, index) => bytes.subarray(ends[index - 1] ?? 0, end))
    .filter(({ length }) => length > 0);
}
