import fc from "fast-check";
import { stopServing } from "../../support/serving.ts";
import { rawEchoes } from "../support/echoes.ts";
import { bytesOf, textOf } from "../support/frame-cases.ts";
import { serveSpeakers } from "../support/speakers.ts";

const sockets = [0, 1, 2];

// A few frames that come again and again, by identity, and others that nobody else has.
const length = fc.oneof(
  { weight: 4, arbitrary: fc.integer({ min: 0, max: 300 }) },
  { weight: 1, arbitrary: fc.integer({ min: 65_500, max: 65_600 }) },
);
const known = [0, 3, 125, 126, 700, 65_535, 65_536].flatMap((size) => [textOf(size), bytesOf(size)]);
// Lone surrogates among them. (The unit "binary" of fast-check takes a second to set up.)
const codePoint = fc.nat(0x10ffff).map((code) => String.fromCodePoint(code));
const frame = fc.oneof(
  { weight: 3, arbitrary: fc.constantFrom(...known) },
  { weight: 1, arbitrary: length.map(textOf) },
  { weight: 1, arbitrary: length.map(bytesOf) },
  { weight: 1, arbitrary: fc.string({ unit: codePoint, maxLength: 130 }) },
  // Views that do not begin where their memory does.
  {
    weight: 1,
    arbitrary: fc.tuple(length, fc.nat(50)).map(([size, from]) => bytesOf(size + from).subarray(from)),
  },
);
const step = fc.tuple(fc.shuffledSubarray(sockets, { minLength: 1 }), frame);
const turns = fc.array(fc.array(step, { maxLength: 12 }), { maxLength: 6 });

describe("any frames, to any sockets, in any turns", () => {
  afterEach(stopServing);

  for (const [how, extensions, numRuns] of [
    ["", [], 40],
    [", with compression for some", ["", "permessage-deflate"], 25],
  ] as const) {
    it(`reach each socket as its own sequence${how}`, async () => {
      const options = { compression: extensions.length > 0 };
      const speakers = await serveSpeakers(rawEchoes(...extensions), sockets.length, options);
      try {
        await fc.assert(
          fc.asyncProperty(turns, (script) => speakers.play(script)),
          // The sockets are the same for all runs: what comes after a failure would wait for what was broken.
          { numRuns, endOnFailure: true },
        );
      } finally {
        await speakers.echoes.stop();
      }
    });
  }
});
