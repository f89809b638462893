import { connect, type Gap } from "greenroom/client";

const client = connect({ url: "/count" });
/** The texts and gaps that have arrived. */
const entries: (string | Gap)[] = [];
/** The states of the client, with the delay before the next attempt. */
const states: string[] = [];
/** The page events `pagehide` and `pageshow`, and whether the browser kept the page. */
const moves: string[] = [];
client.on("text", (text) => entries.push(text));
client.onGap((gap) => entries.push(gap));
client.onStatus(({ state }) => states.push(state));
for (const type of ["pagehide", "pageshow"] as const)
  addEventListener(type, ({ persisted }) => moves.push(persisted ? `${type}, kept` : type));

let sent = 0;
/** The number of frames that the server has handled. */
let handled = 0;

const app = {
  client,
  entries,
  states,
  moves,
  /** Sends the next numbers. */
  send(count: number) {
    for (let left = count; left > 0; left -= 1) {
      sent += 1;
      void client.send(String(sent)).then(() => {
        handled += 1;
      });
    }
  },
  get handled() {
    return handled;
  },
  /** From now on, the delay before an attempt to connect is longer than any spec. */
  waitForever() {
    Math.random = () => 1_000;
  },
  comeBackAtOnce() {
    Math.random = () => 0;
  },
  /** The browser tells a page so that it keeps. */
  move(type: "pagehide" | "pageshow") {
    dispatchEvent(new PageTransitionEvent(type, { persisted: true }));
  },
  /** The browser tells a page so when its tab comes to the front. */
  wake() {
    document.dispatchEvent(new Event("visibilitychange", { bubbles: true }));
  },
};
Object.assign(globalThis, { app });
