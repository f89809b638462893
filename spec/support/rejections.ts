function fail(reason: unknown): never {
  throw reason;
}

/** Mocha ignores unhandled rejections. Here they fail the running spec, as exceptions do. */
export const mochaHooks = {
  beforeAll(): void {
    process.on("unhandledRejection", fail);
  },
  afterAll(): void {
    process.off("unhandledRejection", fail);
  },
};
