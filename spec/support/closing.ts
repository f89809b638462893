/**
 * Whatever opens also closes. A runtime that stays open listens for errors that nobody caught; where files run side by
 * side, mocha takes such listeners away after each file, and the next runtime of that process would not listen anew.
 */
export const mochaHooks = {
  afterAll(): void {
    const isOurs = ({ name }: { readonly name: string }) => name === "onException";
    if (process.listeners("uncaughtException").some(isOurs)) throw new Error("A spec left a runtime open.");
  },
};
