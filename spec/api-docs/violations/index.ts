export const undocumentedValue = 1;

export interface UndocumentedOptions {
  readonly timeoutMs?: number;
}

/** Leads to {@link Nowhere}. */
export class Documented {
  /** A property. */
  readonly property = 1;

  undocumentedMethod(): void {}

  get undocumentedAccessor(): number {
    return this.property;
  }
}

/** Has the method of {@link Documented}. */
export class Derived extends Documented {}

/**
 * Returns its argument.
 *
 * @param missing is not a parameter.
 */
export function identity(text: string): string {
  return text;
}

/** An interface whose properties need no docstring. */
export interface Plain {
  readonly name: string;
  undocumentedCall(): void;
  /** Only the first overload has a docstring. */
  overloaded(text: string): string;
  overloaded(number: number): number;
}
