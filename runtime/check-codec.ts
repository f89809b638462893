import { type FrameCodec, JsonWebSocketConsumer } from "../actors/index.ts";
import { InvalidOptionError } from "../layers/errors.ts";

interface ClassToCheck {
  readonly name: string;
  readonly prototype: object;
  readonly codec?: unknown;
}

/**
 * Checks a consumer's static property `codec`.
 * @throws {InvalidOptionError} if the codec lacks a method, or if the consumer's frames have no codec.
 */
export function checkCodec({ name, prototype, codec }: ClassToCheck): void {
  if (codec === undefined) return;
  if (!(prototype instanceof JsonWebSocketConsumer))
    throw new InvalidOptionError(
      `${name}.codec has no effect: only a JsonWebSocketConsumer has a codec. The frames of contracts and of ` +
        "machines are JSON, and a WebSocketConsumer gets each frame as it is.",
    );
  const { decode, encode } = (codec ?? {}) as Partial<FrameCodec>;
  if (typeof decode !== "function" || typeof encode !== "function")
    throw new InvalidOptionError(`${name}.codec needs the methods \`decode\` and \`encode\`.`);
}
