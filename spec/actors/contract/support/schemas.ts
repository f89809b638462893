import type { Schema } from "greenroom/contract";

/** A schema that runs `validate`, which may return anything, as a schema of a careless library. */
export const schemaOf = (validate: (value: unknown) => unknown): Schema => ({
  "~standard": { version: 1, vendor: "spec", validate: validate as never },
});

/** A schema that accepts every value. */
export const anything = schemaOf((value) => ({ value }));

/** An object whose properties throw when they are read. */
export const throwing = (...names: readonly string[]): object =>
  Object.defineProperties(
    {},
    Object.fromEntries(
      names.map((name) => [
        name,
        {
          enumerable: true,
          get() {
            throw new Error(`Reading ${name} fails`);
          },
        },
      ]),
    ),
  );

/** A thenable that is not a promise. */
export const thenableOf = (settle: (resolve: (value: unknown) => void) => unknown): PromiseLike<unknown> =>
  // biome-ignore lint/suspicious/noThenProperty: a thenable has this property.
  ({ then: settle }) as unknown as PromiseLike<unknown>;
