import type { Frame } from "greenroom";
import type { ScriptedTurn } from "./speakers.ts";

/** The number of sockets that the cases need. */
export const socketsOfCases = 4;

/** Frames to send, by turn of the event loop. */
export interface FrameCase {
  readonly name: string;
  readonly turns: readonly ScriptedTurn[];
}

/** Lengths on both sides of each border of the length encodings (RFC 6455, section 5.2), and 1 MiB. */
export const lengths = [0, 1, 124, 125, 126, 127, 65_534, 65_535, 65_536, 65_537, 1_048_576] as const;

/** Non-repeating text of `length` bytes. */
export function textOf(length: number): string {
  let text = "";
  for (let index = 0; text.length < length; index += 1) text += `${index},`;
  return text.slice(0, length);
}

/** `length` bytes of all values. */
export function bytesOf(length: number): Buffer {
  const bytes = Buffer.allocUnsafe(length);
  for (let index = 0; index < length; index += 1) bytes[index] = index * 31 + (index >> 8);
  return bytes;
}

const all = [0, 1, 2, 3];
const alone = (frame: Frame): ScriptedTurn => [[[0], frame]];
const inOneTurn = (frames: readonly Frame[], sockets: readonly number[]): ScriptedTurn =>
  frames.map((frame) => [sockets, frame]);

const both = lengths.flatMap((length) => [textOf(length), bytesOf(length)]);
const small = both.slice(0, -2);

// Characters of 1 to 4 bytes: the numbers of characters, code units and bytes fall on both sides of a border.
const wide = [
  ...["é".repeat(62), `${"é".repeat(62)}a`, "é".repeat(63), `a${"é".repeat(63)}`, "é".repeat(125)],
  ...["€".repeat(41), `€${"é".repeat(61)}`, "€".repeat(42), `${"🎭".repeat(31)}a`, `${"🎭".repeat(31)}aa`],
  ...[`${"é".repeat(32_767)}a`, "é".repeat(32_768), "€".repeat(21_845), `${"€".repeat(21_845)}a`],
  ...["é".repeat(65_535), "🎭".repeat(16_384), `a${"🎭".repeat(16_384)}`, "€".repeat(65_536)],
];
const odd = [
  ...["🎭", "\u0000", "a\u0000b", "\r\n\r\n", "\u2028", "a\ufeff", "\uffff", "\u{10ffff}", "e\u0301"],
  // A lone surrogate cannot be encoded, and becomes U+FFFD.
  ...["\ud83c", "\udfad", "a\ud83c", "\udfada", "\udfad\ud83c", `${"a".repeat(124)}\ud83c`, "é\ud83cé🎭"],
];

// Several times the size of one read of a socket.
const large = bytesOf(300_000);
const views = [
  new Uint8Array(300).fill(7),
  large.subarray(1_000, 1_125),
  large.subarray(1_001, 1_127),
  new Uint8Array(large.buffer, large.byteOffset + 3, 65_536),
  large.subarray(7, 7),
  Buffer.from("from the pool"),
];

const [a, b, c] = ["a", textOf(200), textOf(70_000)] as const;
const bytes = bytesOf(130);
const many = Array.from({ length: 1_600 }, (_, index) => `${index}`);

/** The frames of a server, for every kind of client. */
export const frameCases: readonly FrameCase[] = [
  { name: "each length, alone in its turn", turns: both.map(alone) },
  { name: "each length, all to one socket in one turn", turns: [inOneTurn(small, [1])] },
  {
    name: "the same lengths to all sockets, one per turn",
    turns: small.map((frame) => [[all, frame]]),
  },
  {
    name: "the same lengths to all sockets in one turn",
    turns: [inOneTurn([...small, textOf(300_000), large], all)],
  },
  {
    name: "text that is longer in bytes than in characters",
    turns: [...wide.map(alone), inOneTurn(wide, all)],
  },
  {
    name: "text of unusual characters and lone surrogates",
    turns: [...odd.map(alone), inOneTurn(odd, all)],
  },
  { name: "views of larger buffers", turns: [...views.map(alone), inOneTurn(views, all)] },
  {
    name: "text and bytes with the same content",
    turns: [
      ["same", Buffer.from("same"), "same", "", Buffer.alloc(0), ""].map((frame) => [all, frame] as const),
      [
        [[0, 2], "same"],
        [[1, 3], Buffer.from("same")],
        [[1, 3], "same"],
        [[0, 2], Buffer.from("same")],
      ],
    ],
  },
  {
    name: "shared frames with individual ones before, between and after",
    turns: [
      [
        [[0], "own of 0, first"],
        [all, a],
        [[1], "own of 1"],
        [[2], bytesOf(126)],
        [all, b],
        [all, bytes],
        [[3], "own of 3, last"],
      ],
      [[all, a]],
    ],
  },
  {
    name: "sequences with a common beginning",
    turns: [
      [
        [all, a],
        [[0, 1], b],
        [[2, 3], c],
        [[0], a],
        [[1, 2], a],
        [[1, 2, 3], bytes],
      ],
    ],
  },
  {
    name: "the same frames in different orders, and repeated",
    turns: [
      [
        [[0, 1], a],
        [[2, 3], b],
        [[0, 1], b],
        [[2, 3], a],
        [[0], b],
        [[1, 2], a],
        [[3, 3, 3], b],
        [[0, 0], b],
      ],
    ],
  },
  {
    name: "the same frames again in later turns, to other sockets",
    turns: [
      inOneTurn([a, b], [0, 1]),
      inOneTurn([a, b], [1, 2, 3]),
      inOneTurn([b], all),
      inOneTurn([a, b, c], [0, 3]),
      inOneTurn([a, bytes], all),
      inOneTurn([bytes, a], [2]),
    ],
  },
  {
    name: "small frames around large ones",
    turns: [inOneTurn([a, large, b, c, large, a, textOf(65_536), ""], all), inOneTurn([a], all)],
  },
  {
    name: "thousands of frames in one turn, shared and individual",
    turns: [
      many.map(
        (text, index) => [index % 5 === 0 ? [index % 4] : index % 7 === 0 ? [0, 2] : all, text] as const,
      ),
    ],
  },
  {
    name: "frames in many turns",
    turns: many.slice(0, 200).map((text, index) => [[[index % 4, 3], text]]),
  },
];
