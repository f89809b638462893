import fc from "fast-check";
import { stopServing } from "../../support/serving.ts";
import { rawEchoes } from "../support/echoes.ts";
import { bytesOf, textOf } from "../support/frame-cases.ts";
import { serveSpeakers } from "../support/speakers.ts";

const sockets = [0, 1, 2];

// A few frames that are sent repeatedly, by identity, and frames that are sent only once.
const length = fc.oneof(
  { weight: 4, arbitrary: fc.integer({ min: 0, max: 300 }) },
  { weight: 1, arbitrary: fc.integer({ min: 65_500, max: 65_600 }) },
);
const known = [0, 3, 125, 126, 700, 65_535, 65_536].flatMap((size) => [textOf(size), bytesOf(size)]);
// Includes lone surrogates. (The unit "binary" of fast-check takes a second to set up.)
const codePoint = fc.nat(0x10ffff).map((code) => String.fromCodePoint(code));
const frame = fc.oneof(
  { weight: 3, arbitrary: fc.constantFrom(...known) },
  { weight: 1, arbitrary: length.map(textOf) },
  { weight: 1, arbitrary: length.map(bytesOf) },
  { weight: 1, arbitrary: fc.string({ unit: codePoint, maxLength: 130 }) },
  // Views with an offset into their buffer.
  {
    weight: 1,
    arbitrary: fc.tuple(length, fc.nat(50)).map(([size, from]) => bytesOf(size + from).subarray(from)),
  },
);
const step = fc.tuple(fc.shuffledSubarray(sockets, { minLength: 1 }), frame);
const turns = fc.array(fc.array(step, { maxLength: 12 }), { maxLength: 6 });

describe("Random frames to random sockets in random turns", () => {
  afterEach(stopServing);

  for (const [how, extensions, numRuns] of [
    ["", [], 40],
    [", with compression for some", ["", "permessage-deflate"], 25],
  ] as const) {
    it(`reach each socket completely and in order${how}`, async () => {
      const options = { compression: extensions.length > 0 };
      const speakers = await serveSpeakers(rawEchoes(...extensions), sockets.length, options);
      try {
        await fc.assert(
          fc.asyncProperty(turns, (script) => speakers.play(script)),
          // All runs share the sockets, so a run after a failure would wait for lost frames.
          { numRuns, endOnFailure: true },
        );
      } finally {
        await speakers.echoes.stop();
      }
    });
  }
});
