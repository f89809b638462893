import type { Scope } from "../../actors/index.ts";
import { textOf } from "../../layers/errors.ts";
import type { Refusal } from "../http-response.ts";
import { userKeyOf } from "./user-key.ts";

/** The user that a guard has found. */
export interface AdmittedUser<U> {
  readonly user: U;
  /**
   * Tells users apart when a client resumes its session, or renews its sign-in: only the same user may. @default the
   * `id` of the user if it has one, else the user as JSON
   */
  readonly userKey?: string;
  /**
   * The end of the sign-in: a `Date`, or milliseconds since 1970. The connection then closes with 3401. If several
   * guards name an end, the earliest one counts. An end in the past refuses the request with 401.
   * @default the sign-in does not end
   */
  readonly expiresAt?: Date | number | undefined;
  /** Renews the sign-in before `expiresAt`. @default the sign-in cannot be renewed on an open connection */
  readonly renew?: Renew<U> | undefined;
}

/**
 * Checks a new token of a client of `greenroom/client`, which the server has asked for ahead of `expiresAt`. Returns
 * the next verdict, whose `expiresAt` and `renew` replace the present ones:
 *
 * - a verdict with the same user lets the connection go on. `scope.user` stays. Another user closes it with 3403
 * - a refusal closes the connection with 3000 plus its status
 *
 * If the function throws, rejects, returns another value, or does not settle within `connectTimeoutMs`, `onError` gets
 * the error with the stage `renew`. The client is then asked again while there is time.
 *
 * `scope` is the scope of the connection, or of the request by which its client last came back.
 */
export type Renew<U> = (token: string, scope: Scope) => Renewal<U> | Promise<Renewal<U>>;

/** The result of a renewal: a user, with a new end of the sign-in, or a refusal. */
export type Renewal<U> = AdmittedUser<U> | Refusal;

/** The time for which a guard has admitted a client. */
export interface Grant {
  /** In milliseconds since 1970. */
  readonly endsAt: number;
  readonly renew: Renew<unknown> | undefined;
  /** Tells the user apart. Undefined if nothing does. */
  readonly userKey: string | undefined;
}

/** Whether a value is the verdict of a guard that refuses, or finds a user. Untyped code may return other values. */
export const isVerdict = (value: unknown): value is Renewal<unknown> =>
  typeof value === "object" && value !== null && ("status" in value || "user" in value);

/** A number from here on, the year 2001 in seconds, and below {@link firstMillisecond} counts seconds. */
const firstSecond = 1e9;
/** The year 1973 in milliseconds. */
const firstMillisecond = 1e11;

/**
 * Returns undefined if the sign-in does not end.
 * @throws {TypeError} if `expiresAt` is not a time in milliseconds, or if `renew` is not a function or has no `expiresAt`.
 */
export function grantOf({ user, userKey, expiresAt, renew }: AdmittedUser<unknown>): Grant | undefined {
  if (renew !== undefined && (typeof renew !== "function" || expiresAt === undefined)) {
    throw new TypeError("`renew` must be a function, and needs an `expiresAt`.");
  }
  if (expiresAt === undefined) return undefined;
  const endsAt = expiresAt instanceof Date ? expiresAt.getTime() : expiresAt;
  // The end of a token without one is often NaN. Such a sign-in must not last for ever.
  if (!Number.isFinite(endsAt)) {
    throw new TypeError(
      `\`expiresAt\` must be a Date, or milliseconds since 1970, not ${textOf(expiresAt)}.`,
    );
  }
  if (firstSecond <= endsAt && endsAt < firstMillisecond) {
    throw new TypeError(
      `\`expiresAt\` is ${textOf(expiresAt)}, which are seconds since 1970: multiply the claim \`exp\` by 1,000.`,
    );
  }
  return { endsAt, renew, userKey: userKeyOf(user, userKey) };
}

/** The grant that ends first. */
export const earliestOf = (grants: readonly Grant[]): Grant =>
  grants.reduce((first, grant) => (grant.endsAt < first.endsAt ? grant : first));

/** The refusal of a client whose sign-in has ended. */
export const signInExpired: Refusal = { status: 401, reason: "The sign-in has expired" };
