import { encodeFrame, Opcode } from "../../support/raw-websocket.ts";

/** The bytes of a client, and the answers of an echoing server. The numbers are those of Autobahn's test suite. */
export interface Case {
  readonly name: string;
  /** The reads of the server. */
  readonly send: readonly Buffer[];
  /** The messages that come back, in order. */
  readonly echoes?: readonly (string | Buffer)[];
  /** The payloads of the pongs, in order. */
  readonly pongs?: readonly string[];
  /** The code of the server's close frame; 1005 if it has none. Undefined if the connection stays open. */
  readonly close?: number;
}

const { continuation, text, binary, close, ping, pong } = Opcode;
export const maxPayload = 65_536;
const star = "*";

/** A frame with any first byte: FIN is 0x80, and the reserved bits are 0x40, 0x20 and 0x10. */
function odd(first: number, payload: Uint8Array | string = ""): Buffer {
  const frame = encodeFrame(text, payload);
  frame[0] = first;
  return frame;
}

/** Divides bytes into reads of `size` bytes. */
const chopped = (bytes: Buffer, size: number): Buffer[] =>
  Array.from({ length: Math.ceil(bytes.length / size) }, (_, index) =>
    bytes.subarray(index * size, (index + 1) * size),
  );

/** Encodes a message in fragments. */
const fragments = (opcode: number, ...parts: readonly (Uint8Array | string)[]): Buffer[] =>
  parts.map((part, index) =>
    encodeFrame(index === 0 ? opcode : continuation, part, { fin: index === parts.length - 1 }),
  );

const one = (...frames: readonly Buffer[]): Buffer[] => [Buffer.concat(frames)];
const hello = encodeFrame(text, "Hello");
const closeFrame = (code: number, reason: Uint8Array | string = ""): Buffer =>
  encodeFrame(close, Buffer.concat([Buffer.from([code >> 8, code & 0xff]), Buffer.from(reason)]));

function messages(): Case[] {
  const sizes = [0, 125, 126, 127, 128, 65_535, maxPayload];
  return sizes.flatMap((size) => {
    const content = star.repeat(size);
    return [
      { name: `1.1: a text of ${size} bytes`, send: one(encodeFrame(text, content)), echoes: [content] },
      {
        name: `1.2: binary data of ${size} bytes`,
        send: one(encodeFrame(binary, content)),
        echoes: [Buffer.from(content)],
      },
      {
        name: `1.1.8: a text of ${size} bytes in reads of 997 bytes`,
        send: chopped(encodeFrame(text, content), 997),
        echoes: [content],
      },
    ];
  });
}

function pings(): Case[] {
  const payloads = ["", "Hello, world!", "\u0000\u007f\u0001", star.repeat(125)];
  const ten = Array.from({ length: 10 }, (_, index) => `payload-${index}`);
  const tenFrames = Buffer.concat(ten.map((payload) => encodeFrame(ping, payload)));
  return [
    ...payloads.map((payload) => ({
      name: `2.1 to 2.4: a ping of ${payload.length} bytes`,
      send: one(encodeFrame(ping, payload)),
      pongs: [payload],
    })),
    { name: "2.5: a ping of 126 bytes", send: one(encodeFrame(ping, star.repeat(126))), close: 1002 },
    {
      name: "2.6: a ping of 125 bytes in reads of 1 byte",
      send: chopped(encodeFrame(ping, star.repeat(125)), 1),
      pongs: [star.repeat(125)],
    },
    { name: "2.7: a pong that was not asked for", send: one(encodeFrame(pong), hello), echoes: ["Hello"] },
    {
      name: "2.9: a pong, and then a ping",
      send: one(encodeFrame(pong, "pong"), encodeFrame(ping, "ping")),
      pongs: ["ping"],
    },
    { name: "2.10: ten pings in one read", send: [tenFrames], pongs: ten },
    { name: "2.11: ten pings in reads of 1 byte", send: chopped(tenFrames, 1), pongs: ten },
  ];
}

function reserved(): Case[] {
  const bits = [0x40, 0x20, 0x10, 0x70].flatMap((bit) => [
    { name: `3: the reserved bits ${bit} in a text`, send: one(odd(0x80 | bit | text, "x")), close: 1002 },
    {
      name: `3: the reserved bits ${bit} behind a text`,
      send: one(hello, odd(0x80 | bit | text, "x"), encodeFrame(ping)),
      echoes: ["Hello"],
      close: 1002,
    },
    { name: `3: the reserved bits ${bit} in a ping`, send: one(odd(0x80 | bit | ping, "x")), close: 1002 },
    { name: `3: the reserved bits ${bit} in a close frame`, send: one(odd(0x80 | bit | close)), close: 1002 },
  ]);
  const opcodes = [3, 4, 5, 6, 7, 11, 12, 13, 14, 15].flatMap((opcode) => [
    { name: `4: the opcode ${opcode}`, send: one(odd(0x80 | opcode)), close: 1002 },
    {
      name: `4: the opcode ${opcode} with a payload, behind a text`,
      send: one(hello, odd(0x80 | opcode, "x"), encodeFrame(ping)),
      echoes: ["Hello"],
      close: 1002,
    },
  ]);
  return [...bits, ...opcodes];
}

function fragmented(): Case[] {
  const two = Buffer.concat(fragments(text, "frag1", "frag2"));
  const [first, second] = fragments(text, "frag1", "frag2") as [Buffer, Buffer];
  const beat = encodeFrame(ping, "ping");
  return [
    { name: "5.1: a ping in fragments", send: one(...fragments(ping, "a", "b")), close: 1002 },
    { name: "5.2: a pong in fragments", send: one(...fragments(pong, "a", "b")), close: 1002 },
    { name: "5.3: a text in two fragments", send: [two], echoes: ["frag1frag2"] },
    { name: "5.4: a text in two fragments and two reads", send: [first, second], echoes: ["frag1frag2"] },
    { name: "5.5: a text in fragments, in reads of 1 byte", send: chopped(two, 1), echoes: ["frag1frag2"] },
    {
      name: "5.6: a ping between fragments",
      send: one(first, beat, second),
      pongs: ["ping"],
      echoes: ["frag1frag2"],
    },
    {
      name: "5.8: a ping between fragments, in reads of 1 byte",
      send: chopped(Buffer.concat([first, beat, second]), 1),
      pongs: ["ping"],
      echoes: ["frag1frag2"],
    },
    {
      name: "5.9: a continuation without a start, and then a text",
      send: one(encodeFrame(continuation, "x"), hello),
      close: 1002,
    },
    {
      name: "5.12: a first fragment that is a continuation",
      send: one(encodeFrame(continuation, "x", { fin: false }), hello),
      close: 1002,
    },
    {
      name: "5.15: a continuation behind a complete message",
      send: one(first, second, encodeFrame(continuation, "x", { fin: false }), hello),
      echoes: ["frag1frag2"],
      close: 1002,
    },
    { name: "5.18: a second text within a message", send: one(first, hello), close: 1002 },
    {
      name: "5.19: five fragments with two pings",
      send: one(
        encodeFrame(text, "f1", { fin: false }),
        encodeFrame(continuation, "f2", { fin: false }),
        encodeFrame(ping, "1"),
        encodeFrame(continuation, "f3", { fin: false }),
        encodeFrame(continuation, "f4", { fin: false }),
        encodeFrame(ping, "2"),
        encodeFrame(continuation, "f5"),
      ),
      pongs: ["1", "2"],
      echoes: ["f1f2f3f4f5"],
    },
    {
      name: "5: empty fragments",
      send: one(...fragments(binary, "", "", "x", "")),
      echoes: [Buffer.from("x")],
    },
  ];
}

const bytes = (hex: string): Buffer => Buffer.from(hex.replaceAll(" ", ""), "hex");

function utf8(): Case[] {
  const valid = ["κόσμε", "\ud7ff\ue000\ufffd", "\ufffe\uffff", "\u{10ffff}\u{1fffe}", "\u0000", "\u{1f600}"];
  const invalid = {
    "a surrogate": "edbfbf",
    "a pair of surrogates": "eda080 edb080",
    "an overlong slash": "c0af",
    "an overlong null": "f0808080",
    "a code point beyond U+10FFFF": "f4908080",
    "a continuation byte alone": "80",
    "an impossible byte": "fe",
    "a sequence that is cut off": "cebaf0",
    "five bytes for a code point": "f888808080",
  };
  const wrong = bytes("cebae1bdb9cf83cebceda080656469746564");
  return [
    ...valid.flatMap((content) => {
      const encoded = Buffer.from(content);
      const each = [...encoded].map((byte) => Buffer.from([byte]));
      const name = [...content].map((letter) => `U+${letter.codePointAt(0)?.toString(16)}`).join(" ");
      return [
        { name: `6: the text ${name}`, send: one(encodeFrame(text, encoded)), echoes: [content] },
        {
          name: `6.2: the text ${name} in a fragment for each byte`,
          send: one(...fragments(text, ...each)),
          echoes: [content],
        },
      ];
    }),
    ...Object.entries(invalid).flatMap(([name, hex]) => [
      { name: `6: ${name}`, send: one(hello, encodeFrame(text, bytes(hex))), echoes: ["Hello"], close: 1007 },
      {
        name: `6: ${name} in binary data`,
        send: one(encodeFrame(binary, bytes(hex))),
        echoes: [bytes(hex)],
      },
    ]),
    {
      name: "6.4: an invalid sequence in a middle fragment, at the latest at the end of the message",
      send: fragments(text, wrong.subarray(0, 11), wrong.subarray(11, 14), wrong.subarray(14)),
      close: 1007,
    },
  ];
}

function closing(): Case[] {
  const allowed = [
    1000, 1001, 1002, 1003, 1007, 1008, 1009, 1010, 1011, 1012, 1013, 1014, 3000, 3999, 4000, 4999,
  ];
  const refused = [0, 999, 1004, 1005, 1006, 1015, 1016, 1100, 2000, 2999, 5000, 65_535];
  return [
    {
      name: "7.1.1: a text and a close frame",
      send: one(hello, closeFrame(1000)),
      echoes: ["Hello"],
      close: 1000,
    },
    { name: "7.1.2: two close frames", send: one(closeFrame(1000), closeFrame(1001)), close: 1000 },
    {
      name: "7.1.3: a ping behind a close frame",
      send: one(closeFrame(1000), encodeFrame(ping)),
      close: 1000,
    },
    { name: "7.1.4: a text behind a close frame", send: one(closeFrame(1000), hello), close: 1000 },
    {
      name: "7.1.5: a close frame within a message",
      send: one(encodeFrame(text, "a", { fin: false }), closeFrame(1000), encodeFrame(continuation, "b")),
      close: 1000,
    },
    {
      name: "7.1.6: garbage behind a close frame",
      send: [closeFrame(1000), Buffer.alloc(999, 0xff)],
      close: 1000,
    },
    { name: "7.3.1: a close frame without a code", send: one(encodeFrame(close)), close: 1005 },
    { name: "7.3.2: a close frame of one byte", send: one(encodeFrame(close, "x")), close: 1002 },
    { name: "7.3.4: a close frame with a reason", send: one(closeFrame(1000, "Hello")), close: 1000 },
    { name: "7.3.5: a reason of 123 bytes", send: one(closeFrame(1000, star.repeat(123))), close: 1000 },
    { name: "7.3.6: a reason of 124 bytes", send: one(closeFrame(1000, star.repeat(124))), close: 1002 },
    { name: "7.5.1: a reason that is not UTF-8", send: one(closeFrame(1000, bytes("eda080"))), close: 1007 },
    ...allowed.map((code) => ({
      name: `7.7: the close code ${code}`,
      send: one(closeFrame(code)),
      close: code,
    })),
    ...refused.map((code) => ({
      name: `7.9: the close code ${code}`,
      send: one(closeFrame(code)),
      close: 1002,
    })),
  ];
}

function limits(): Case[] {
  const content = star.repeat(maxPayload);
  const pieces = (count: number) => chopped(Buffer.from(content), maxPayload / count);
  return [
    ...[64, 256, 1_024, 4_096, 16_384].map((size) => ({
      name: `9.5: the largest message in reads of ${size} bytes`,
      send: chopped(encodeFrame(binary, content), size),
      echoes: [Buffer.from(content)],
    })),
    ...[2, 16, 128].map((count) => ({
      name: `9.3: the largest message in ${count} fragments`,
      send: one(...fragments(text, ...pieces(count))),
      echoes: [content],
    })),
    {
      name: "9: a message that is one byte too long",
      send: one(encodeFrame(text, `${content}*`)),
      close: 1009,
    },
    {
      name: "9: fragments that are one byte too long",
      send: one(...fragments(text, content, "*")),
      close: 1009,
    },
    { name: "9: more than 128 fragments", send: one(...fragments(text, ...pieces(128), "")), close: 1008 },
    { name: "9: a length of 2^63", send: [bytes("82ff 8000000000000000 00000000")], close: 1009 },
    { name: "masking: a frame without a mask", send: [bytes("8101 78")], close: 1002 },
    { name: "masking: a mask of zeros", send: [bytes("8181 00000000 78")], echoes: ["x"] },
    {
      name: "masking: a ping without a mask, behind a text",
      send: one(hello, bytes("8900")),
      echoes: ["Hello"],
      close: 1002,
    },
  ];
}

export const cases: readonly Case[] = [
  ...messages(),
  ...pings(),
  ...reserved(),
  ...fragmented(),
  ...utf8(),
  ...closing(),
  ...limits(),
];
