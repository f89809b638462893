/** An expected failure. The command prints the error's message without a stack trace. */
export class Failure extends Error {
  readonly exitCode: number;

  /** @param exitCode 1 if the command failed, 2 if its arguments are invalid. */
  constructor(message: string, exitCode: 1 | 2 = 1) {
    super(message);
    this.exitCode = exitCode;
  }
}
