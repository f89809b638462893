import type { Context } from "mocha";

/**
 * Whatever opens also closes. A runtime that stays open listens for errors that nobody caught; where files run side by
 * side, mocha takes such listeners away after each file, and the next runtime of that process would not listen anew.
 */
export const mochaHooks = {
  afterAll(this: Context): void {
    const isOurs = ({ name }: { readonly name: string }) => name === "onException";
    if (!process.listeners("uncaughtException").some(isOurs)) return;
    const files = new Set(this.test?.parent?.suites.map(({ file }) => file));
    throw new Error(`A runtime was left open by a spec in ${[...files].join(" or ")}.`);
  },
};
