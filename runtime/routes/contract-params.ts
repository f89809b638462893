import { validate } from "../../actors/contract/validate.ts";
import type { Contract, Schema } from "../../contract/index.ts";
import { isPromise } from "../../layers/async-errors.ts";
import { InvalidOptionError } from "../../layers/errors.ts";
import type { ConsumerClass } from "../consumer-settings.ts";

type Params = Readonly<Record<string, string>>;

/**
 * Checks the path parameters with the schema of a contract. Returns what the schema gives, or the reason for a
 * refusal. A schema may also give values that are not texts.
 *
 * @throws {TypeError} if the schema is asynchronous. @throws what the schema throws.
 */
export function checkParams(
  { path, params: schema }: Contract,
  params: Params,
): { readonly params: Params } | { readonly refusal: string } {
  if (schema === undefined) return { params };
  const outcome = validate(schema as Schema, params);
  if (isPromise(outcome)) {
    // The promise may reject, and nothing else awaits it.
    outcome.then(undefined, () => {});
    throw new TypeError(
      `The schema of the parameters of "${path}" is asynchronous: check them in a guard instead.`,
    );
  }
  const issue = outcome.issues?.[0];
  if (issue === undefined) return { params: (outcome as { readonly value: Params }).value };
  const name = issue.path[0];
  const what = name === undefined ? "path parameters are" : `path parameter "${name}" is`;
  return { refusal: `The ${what} not accepted. ${issue.message}` };
}

/**
 * The parameters of an actor that has no path, after the schema of its contract.
 * @throws {InvalidOptionError} if the schema refuses the parameters. @throws as {@link checkParams} does.
 */
export function checkedParams(
  { name, contract }: ConsumerClass,
  params: unknown = {},
): { readonly params: Params } {
  if (contract === undefined) return { params: params as Params };
  const checked = checkParams(contract, params as Params);
  if ("params" in checked) return checked;
  throw new InvalidOptionError(`${name} cannot start with these \`params\`. ${checked.refusal}`);
}
