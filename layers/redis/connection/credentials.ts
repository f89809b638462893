import { callOwned, type ErrorOwner } from "../../async-errors.ts";
import type { Clock } from "../../clock.ts";
import { textOf } from "../../errors.ts";
import { untilAborted } from "../../until-aborted.ts";
import { withTimeout } from "../../with-timeout.ts";
import { CallbackFailedError, CallbackResultError } from "./callback-errors.ts";

/** The login of one connection. */
export interface RedisCredentials {
  /** The ACL user. @default the user in the URL or under `redis`; without such a user, Redis' `default` */
  readonly username?: string;
  readonly password: string;
}

/**
 * Returns the login for one attempt to connect. Called at each attempt, so credentials may expire. A
 * rejection, an exception, or a promise that does not settle within `connectTimeoutMs` fails the attempt.
 */
export type CredentialsFunction = () => RedisCredentials | PromiseLike<RedisCredentials>;

/** The surroundings of an attempt to connect. */
export interface AttemptContext {
  /** Owns the errors that functions of the application leave behind. */
  readonly owner: ErrorOwner;
  readonly clock: Clock;
  /** Aborted once the connection is closed. */
  readonly signal: AbortSignal;
}

/** The last password of each function. Errors of the function must not show it. */
const lastPasswords = new WeakMap<CredentialsFunction, string>();

/**
 * Calls `credentials`.
 *
 * @throws {CallbackFailedError} if the call fails, takes longer than `timeoutMs`, or is aborted.
 * @throws {CallbackResultError} if the result is not a login. The message does not contain the result.
 */
export async function askCredentials(
  credentials: CredentialsFunction,
  timeoutMs: number,
  { owner, clock, signal }: AttemptContext,
): Promise<RedisCredentials> {
  let given: Partial<RedisCredentials> | null | undefined;
  try {
    const asked = Promise.resolve(callOwned(owner, credentials));
    const late = () => new Error(`no answer within ${timeoutMs} ms`);
    given = await withTimeout(untilAborted(asked, signal), timeoutMs, clock, late);
  } catch (error) {
    const secret = lastPasswords.get(credentials) || undefined;
    const why = secret === undefined ? textOf(error) : textOf(error).replaceAll(secret, "***");
    // The error itself is left out, because its properties may contain the password.
    throw new CallbackFailedError(`credentials() failed: ${why}`);
  }
  const { username, password } = given ?? {};
  if (typeof password !== "string" || (username !== undefined && typeof username !== "string")) {
    throw new CallbackResultError(
      "credentials() must return { password } or { username, password }, or a promise of it, with strings.",
    );
  }
  lastPasswords.set(credentials, password);
  return username === undefined ? { password } : { username, password };
}
