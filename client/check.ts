import type { Schema } from "../contract/index.ts";
import { ClientError } from "./errors.ts";

type Callback = (value: unknown) => void;

export const invalidFrame = (detail: unknown): ClientError =>
  new ClientError("ERR_INVALID_FRAME", `Invalid: ${detail}`);

/**
 * Checks `values`. Without a schema, the first of them fits.
 * @returns a function that passes the first value that fits, as it is, to `accept`, or the error to `refuse`. A
 *   promise of it only if the schema returns one, which never rejects. Never throws.
 */
export function check(
  schema: Schema | false | undefined,
  [value, ...others]: readonly unknown[],
  accept: Callback,
  refuse: Callback,
): (() => void) | Promise<() => void> {
  const fail = (error: unknown) => () => refuse(error);
  try {
    const outcome = schema ? schema["~standard"].validate(value) : undefined;
    const choose = (result: typeof outcome): (() => void) | Promise<() => void> => {
      const issue = (result as { readonly issues?: readonly { readonly message: string }[] } | undefined)
        ?.issues?.[0];
      if (!issue) return () => accept(value);
      if (others.length) return check(schema, others, accept, refuse);
      return fail(invalidFrame(issue.message));
    };
    return outcome instanceof Promise ? outcome.then(choose, fail) : choose(outcome);
  } catch (error) {
    return fail(error);
  }
}
