import type { Schema } from "../contract/index.ts";
import { ClientError } from "./errors.ts";

/** A value that fits its schema, or why it does not. */
export interface Checked {
  readonly value?: unknown;
  readonly error?: unknown;
}

export const invalidFrame = (detail: unknown): ClientError =>
  new ClientError("ERR_INVALID_FRAME", `Not in the contract: ${detail}`);

/**
 * The first of `values` that fits the schema, as it is. Without a schema, the first. Returns a promise only if the
 * schema does. Never throws or rejects.
 */
export function check(
  schema: Schema | false | undefined,
  [value, ...others]: readonly unknown[],
): Checked | Promise<Checked> {
  const fail = (error: unknown): Checked => ({ error });
  try {
    const outcome = schema ? schema["~standard"].validate(value) : undefined;
    const choose = (result: typeof outcome): Checked | Promise<Checked> => {
      const issue = (result as { readonly issues?: readonly { readonly message: string }[] } | undefined)
        ?.issues?.[0];
      if (issue === undefined) return { value };
      if (others.length > 0) return check(schema, others);
      return fail(invalidFrame(issue.message));
    };
    return outcome instanceof Promise ? outcome.then(choose, fail) : choose(outcome);
  } catch (error) {
    return fail(error);
  }
}
