import fc from "fast-check";

const { GREENROOM_FUZZ_SEED: seed, GREENROOM_FUZZ_PATH: path, GREENROOM_FUZZ_SECONDS: seconds } = process.env;

/** Values of JSON whose objects a message can hold: without the key `__proto__`. */
export const jsonValue = fc.json().map((text): unknown => JSON.parse(text.replaceAll("__proto__", "proto")));

/** A property of fast-check, synchronous or not. */
type Property<T> = fc.IRawProperty<T>;

/**
 * Checks a property with `numRuns` random values; or for GREENROOM_FUZZ_SECONDS, if it is set. A failure names the
 * seed. To repeat the failure, set GREENROOM_FUZZ_SEED and GREENROOM_FUZZ_PATH to the named values.
 */
export async function fuzz<T>(property: Property<T>, numRuns: number): Promise<void> {
  const result = await fc.check(property, {
    includeErrorInReport: true,
    // A run that waits in vain is a failure, too.
    timeout: 8_000,
    ...(seed !== undefined && { seed: Number(seed) }),
    ...(path !== undefined && { path }),
    ...(seconds === undefined
      ? { numRuns }
      : { numRuns: 2 ** 31 - 1, interruptAfterTimeLimit: Number(seconds) * 1_000 }),
  });
  if (seconds !== undefined)
    process.stdout.write(`      ${result.numRuns} runs from the seed ${result.seed}\n`);
  if (!result.failed) return;
  const replay = `GREENROOM_FUZZ_SEED=${result.seed} GREENROOM_FUZZ_PATH=${result.counterexamplePath}`;
  throw new Error(`Repeat with ${replay}\n${fc.defaultReportMessage(result)}`);
}
