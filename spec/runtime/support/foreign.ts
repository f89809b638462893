// A program with two copies of async-error-owner.ts, whose bundle is the first argument.
const [, , path = "", what = "", listener = ""] = process.argv;
const one: typeof import("../../../runtime/async-error-owner.ts") = await import(path);
const other: typeof one = await import(`${path}?copy`);

const say = (line: string) => process.stdout.write(`${line}\n`);

const failures: Readonly<Record<string, () => void>> = {
  exception: () => {
    throw new Error("foreign");
  },
  rejection: () => void Promise.reject(new Error("foreign")),
  reason: () => void Promise.reject("a mere reason"),
  owned: () => {
    const owner = new one.AsyncErrorOwner(undefined, "Careless", "/ws", (error) =>
      say(`reported: ${(error as Error).message}`),
    );
    one.runOwned(owner, () => void Promise.reject(new Error("late")));
  },
};

other.watchAsyncErrors();
if (what !== "owned") one.watchAsyncErrors();
if (listener !== "")
  process.on(listener, (_, origin) => say(`listener: ${typeof origin === "string" ? origin : ""}`));
for (const name of what.split(",")) {
  setImmediate(() => failures[name]?.());
  for (let turn = 0; turn < 5; turn += 1) await new Promise((resolve) => setImmediate(resolve));
}
say("alive");
say(`listeners: ${["uncaughtException", "unhandledRejection"].map((event) => process.listenerCount(event))}`);
