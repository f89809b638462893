// Without this hook, Mocha ignores a rejection that nothing handles.
export const mochaHooks = {
  beforeAll() {
    process.on("unhandledRejection", (reason) => {
      throw reason;
    });
  },
};
