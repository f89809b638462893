import { createRequire } from "node:module";
import { pathToFileURL } from "node:url";
import { Worker } from "node:worker_threads";
import type { MarkedMachine } from "../../diagrams/marked-machine.ts";
import { cleanSvg, graphvizMissing } from "../../diagrams/svg.ts";
import { textOf } from "../../layers/errors.ts";
import type { MachineFacts } from "../protocol.ts";

/** The time limit: twice the time that Graphviz took for a machine with 100 states and 200 arrows. */
const defaultTimeoutMs = 10_000;

/** The worker's source, as a string, because module loaders for TypeScript do not apply to workers. */
const workerSource = `
  const { parentPort, workerData } = require("node:worker_threads");
  import(workerData.graphviz)
    .then(({ Graphviz }) => Graphviz.load())
    .then((graphviz) => parentPort.postMessage(graphviz.layout(workerData.dot, "svg", "dot")));
`;

/**
 * Renders a machine as an SVG in which each state and arrow has its mark as a class. Never rejects. Runs in a
 * worker thread, because loading Graphviz takes 0.2 s and the layout of a large machine takes seconds.
 */
export async function renderDiagram(
  { dot, name }: MarkedMachine,
  timeoutMs = defaultTimeoutMs,
): Promise<MachineFacts["picture"]> {
  try {
    return { svg: cleanSvg(await layOut({ dot, graphviz: findGraphviz() }, timeoutMs), name) };
  } catch (error) {
    return { missing: textOf(error) };
  }
}

/**
 * The URL of the Graphviz package. A worker with a string as its source cannot resolve package names. If this
 * file is part of a bundle in CommonJS, it has no URL, but a file name.
 */
function findGraphviz(): string {
  try {
    return pathToFileURL(createRequire(import.meta.url ?? __filename).resolve("@hpcc-js/wasm-graphviz")).href;
  } catch (cause) {
    throw graphvizMissing(cause, ". A program that is bundled needs the package next to the bundle.");
  }
}

function layOut(
  workerData: { readonly dot: string; readonly graphviz: string },
  timeoutMs: number,
): Promise<string> {
  return new Promise((resolve, reject) => {
    const worker = new Worker(workerSource, { eval: true, workerData });
    worker.unref();
    const giveUp = () => {
      reject(
        new Error(`The machine is too large to draw: Graphviz did not finish within ${timeoutMs / 1_000} s.`),
      );
      void worker.terminate();
    };
    const timer = setTimeout(giveUp, timeoutMs).unref();
    worker.once("message", resolve);
    worker.once("error", reject);
    worker.once("exit", () => {
      clearTimeout(timer);
      reject(new Error("The worker thread exited before the picture was drawn."));
    });
  });
}
