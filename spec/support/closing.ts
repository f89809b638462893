import type { Context } from "mocha";

/**
 * Requires that every runtime and layer is closed. While they are open, they listen for uncaught errors. With parallel files,
 * mocha removes such listeners after each file, and the next runtime of the process would not add them again.
 */
export const mochaHooks = {
  afterAll(this: Context): void {
    const isOurs = ({ name }: { readonly name: string }) => name === "onException";
    if (!process.listeners("uncaughtException").some(isOurs)) return;
    const files = new Set(this.test?.parent?.suites.map(({ file }) => file));
    throw new Error(`A spec in ${[...files].join(" or ")} left a runtime or a layer open: close it.`);
  },
};
