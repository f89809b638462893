import type { FrameId, FrameIssue } from "../contract/index.ts";

/** Why a client's frame is refused. The client gets a `greenroom.error` with these properties. */
export class FrameRefusal {
  readonly code: string;
  readonly message: string;
  readonly id: FrameId | undefined;
  readonly issues: readonly FrameIssue[] | undefined;
  readonly expected: readonly string[] | undefined;
  readonly data: unknown;
  /** The error of the schema or the handler. The client does not get it. */
  readonly cause: unknown;

  constructor(
    code: string,
    message: string,
    facts: {
      readonly id?: FrameId | undefined;
      readonly issues?: readonly FrameIssue[] | undefined;
      readonly expected?: readonly string[] | undefined;
      readonly data?: unknown;
      readonly cause?: unknown;
    } = {},
  ) {
    this.code = code;
    this.message = message;
    this.id = facts.id;
    this.issues = facts.issues;
    this.expected = facts.expected;
    this.data = facts.data;
    this.cause = facts.cause;
  }
}
