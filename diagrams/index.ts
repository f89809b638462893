/**
 * Pictures of XState machines: Mermaid, SVG, DOT and the format of Stately.
 *
 * @module greenroom/visualise
 */
export { describeMachine } from "./describe-machine.ts";
export type {
  InvokeDescription,
  MachineDescription,
  Named,
  StateDescription,
  TransitionDescription,
  Trigger,
} from "./description.ts";
export { toDot } from "./dot.ts";
export { type FoundMachine, findMachines } from "./find-machines.ts";
export { type PictureOptions, toMermaid } from "./mermaid.ts";
export { type MachineJson, toStately } from "./stately.ts";
export { GraphvizMissingError, toSvg } from "./svg.ts";
