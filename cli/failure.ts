/** What the command says and ends with, without a stack. */
export class Failure extends Error {
  readonly exitCode: number;

  /** @param exitCode 1 for what went wrong, 2 for what cannot be asked. */
  constructor(message: string, exitCode: 1 | 2 = 1) {
    super(message);
    this.exitCode = exitCode;
  }
}
