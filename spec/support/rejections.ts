function fail(reason: unknown): never {
  throw reason;
}

/** Mocha lets a promise pass that rejects where nobody catches it. Here that fails the spec that runs, as an exception does. */
export const mochaHooks = {
  beforeAll(): void {
    process.on("unhandledRejection", fail);
  },
  afterAll(): void {
    process.off("unhandledRejection", fail);
  },
};
