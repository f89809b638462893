import type { Scope } from "../../actors/index.ts";
import { textOf } from "../../layers/errors.ts";
import { jitter } from "../../layers/jitter.ts";
import { CloseCode, refusalCode } from "../../protocol/close-codes.ts";
import { maxTokenLength } from "../../protocol/subprotocols.ts";
import { type AsyncErrorOwner, callOwned } from "../async-error-owner.ts";
import { limitTime } from "../deadline.ts";
import { checkRefusal } from "../http-response.ts";
import { maxReasonBytes } from "../socket/close-frame.ts";
import { truncateBytes } from "../truncate.ts";
import { earliestOf, type Grant, grantOf, isVerdict, type Renew, signInExpired } from "./grant.ts";
import type { SignIns, Waiting } from "./sign-ins.ts";
import { userKeyOf } from "./user-key.ts";

/** The client is asked in the last quarter of the time, within these bounds, in milliseconds before the end. */
const minLeadMs = 20_000;
const maxLeadMs = 300_000;
/** The client is not asked again if less time is left, in milliseconds. */
const minLeftMs = 5_000;
/** The shortest time between a verdict and the question for the next token, in milliseconds. */
const minWaitMs = 1_000;

/** The connection that a sign-in limits. */
export interface SignedIn {
  readonly errorOwner: AsyncErrorOwner;
  /** Asks the client for a new token, if it has a session. @param inMs the time that is left, in milliseconds */
  askForToken(inMs: number): void;
  /** @param code 3000 plus an HTTP status */
  signOut(code: number, reason: string): void;
}

/** Ends a connection when the time is over for which its guards have admitted it, unless its client renews it. */
export class SignIn implements Waiting {
  readonly #shared: SignIns;
  readonly #connection: SignedIn;
  readonly #scope: Scope;
  #grants: readonly Grant[];
  /** When to ask the client next, in milliseconds since 1970. */
  #askAt = 0;
  /** Whether a token of the client is expected. */
  #isAsked = false;
  #isRenewing = false;
  #isOver = false;
  #waitMs = 0;

  /** @param grants at least one */
  constructor(shared: SignIns, connection: SignedIn, grants: readonly Grant[], scope: Scope) {
    this.#shared = shared;
    this.#connection = connection;
    this.#grants = grants;
    this.#scope = scope;
    this.#begin();
  }

  /** Whether `renew` of a guard is running. */
  get isRenewing(): boolean {
    return this.#isRenewing;
  }

  /** Called when the connection ends, or when other grants take the place of these. */
  end(): void {
    this.#isOver = true;
    this.#shared.cancel(this, this.#waitMs);
  }

  onTime(now: number): void {
    const leftMs = earliestOf(this.#grants).endsAt - now;
    if (leftMs <= 0) {
      this.#shared.counters.expire();
      this.#close(CloseCode.expired, signInExpired.reason);
      return;
    }
    if (now >= this.#askAt) this.#ask(now, leftMs);
    if (!this.#isOver) this.#wait(now);
  }

  /**
   * Renews the sign-in if the client was asked. Each question permits one token, so a client cannot make the server
   * check tokens in a loop.
   * @returns false if the frame of the client is malformed.
   */
  takeToken(token: unknown): boolean {
    if (typeof token !== "string" || Buffer.byteLength(token) > maxTokenLength) return false;
    const grant = earliestOf(this.#grants);
    if (this.#isAsked && grant.renew !== undefined) {
      this.#isAsked = false;
      void this.#renew(token, grant, grant.renew);
    }
    return true;
  }

  #begin(): void {
    const { now } = this.#shared;
    const { endsAt, renew } = earliestOf(this.#grants);
    const totalMs = endsAt - now;
    const leadMs = Math.min(Math.max(totalMs / 4, minLeadMs), maxLeadMs, totalMs / 2);
    this.#isAsked = false;
    // Clients that have connected at the same time do not renew at the same time.
    const askAt = Math.max(endsAt - jitter(leadMs, 0.5), now + minWaitMs);
    this.#askAt = renew === undefined ? Infinity : askAt;
    this.#wait(now);
  }

  #wait(now: number): void {
    const next = Math.min(earliestOf(this.#grants).endsAt, this.#askAt);
    this.#waitMs = this.#shared.wait(this, next - now);
  }

  /** Asks, and asks again after half of the time that is left unless the sign-in was renewed. */
  #ask(now: number, leftMs: number): void {
    this.#askAt = leftMs / 2 < minLeftMs ? Infinity : now + leftMs / 2;
    if (this.#isRenewing) return;
    this.#isAsked = true;
    this.#connection.askForToken(Math.floor(leftMs));
  }

  async #renew(token: string, grant: Grant, renew: Renew<unknown>): Promise<void> {
    const { clock, renewTimeoutMs } = this.#shared;
    const { errorOwner } = this.#connection;
    this.#isRenewing = true;
    try {
      const renewing = callOwned(errorOwner.forStage("renew"), renew, token, this.#scope);
      const verdict = await limitTime("renew", Promise.resolve(renewing), renewTimeoutMs, clock);
      if (!this.#isOver) this.#take(verdict, grant);
    } catch (error) {
      errorOwner.report(error, "renew");
    } finally {
      this.#isRenewing = false;
    }
  }

  /** @throws {TypeError} or {InvalidOptionError} if `verdict` is invalid. */
  #take(verdict: unknown, grant: Grant): void {
    if (!isVerdict(verdict)) {
      throw new TypeError(
        `\`renew\` must return { user } to go on, or { status, reason } to refuse, not ${textOf(verdict)}.`,
      );
    }
    if ("status" in verdict) {
      checkRefusal(verdict);
      this.#close(refusalCode + verdict.status, truncateBytes(verdict.reason, maxReasonBytes));
      return;
    }
    const next = grantOf(verdict);
    const userKey = userKeyOf(verdict.user, verdict.userKey);
    if (userKey === undefined || userKey !== grant.userKey) {
      this.#close(refusalCode + 403, "The token belongs to another user");
      return;
    }
    this.#shared.cancel(this, this.#waitMs);
    const others = this.#grants.filter((other) => other !== grant);
    this.#grants = next === undefined ? others : [...others, next];
    if (this.#grants.length === 0) this.end();
    else this.#begin();
  }

  #close(code: number, reason: string): void {
    this.end();
    this.#connection.signOut(code, reason);
  }
}
