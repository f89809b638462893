import { createRequire } from "node:module";
import { pathToFileURL } from "node:url";
import { Worker } from "node:worker_threads";
import type { MarkedMachine } from "../../diagrams/marked-machine.ts";
import { dressed, graphvizMissing } from "../../diagrams/svg.ts";
import { textOf } from "../../layers/errors.ts";
import type { MachineFacts } from "../protocol.ts";

type Picture = MachineFacts["picture"];

/** For how long, in milliseconds, Graphviz may look for a place for everything: of 100 states with 200 arrows it took 5 seconds. */
const defaultPatienceMs = 10_000;

/** What the thread does. It is no file, since what makes a program of TypeScript does not do so for threads. */
const layOut = `
  const { parentPort, workerData } = require("node:worker_threads");
  import(workerData.graphviz)
    .then(({ Graphviz }) => Graphviz.load())
    .then((graphviz) => parentPort.postMessage(graphviz.layout(workerData.dot, "svg", "dot")));
`;

/**
 * Draws a machine, each state and arrow with its mark as a class: in a thread of its own, since that takes long, 0.2 s to load
 * Graphviz and then the longer the larger the machine is. Says why where there is no picture; never rejects.
 */
export async function draw({ dot, name }: MarkedMachine, patienceMs = defaultPatienceMs): Promise<Picture> {
  try {
    return { svg: dressed(await inThread({ dot, graphviz: findGraphviz() }, patienceMs), name) };
  } catch (error) {
    return { missing: textOf(error) };
  }
}

/** Where it is, as a URL: a thread that is no file finds no packages. */
function findGraphviz(): string {
  try {
    return pathToFileURL(createRequire(import.meta.url).resolve("@hpcc-js/wasm-graphviz")).href;
  } catch (cause) {
    throw graphvizMissing(cause);
  }
}

function inThread(
  workerData: { readonly dot: string; readonly graphviz: string },
  patienceMs: number,
): Promise<string> {
  return new Promise((resolve, reject) => {
    const thread = new Worker(layOut, { eval: true, workerData });
    thread.unref();
    const giveUp = () => {
      reject(new Error(`It is too large: Graphviz had not laid it out after ${patienceMs / 1_000} s.`));
      void thread.terminate();
    };
    const timer = setTimeout(giveUp, patienceMs).unref();
    thread.once("message", resolve);
    thread.once("error", reject);
    thread.once("exit", () => {
      clearTimeout(timer);
      reject(new Error("The thread that was to draw it has ended."));
    });
  });
}
