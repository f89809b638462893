import type * as msgpackr from "msgpackr";
import * as pure from "msgpackr/pack";

export type { Options } from "msgpackr";

/**
 * msgpackr without its native part, streams and iterators. The build puts a copy of msgpackr in the place of
 * this file, because the package `msgpackr` has an install script: see docs/design/25-packages.md.
 */
export const Packr: typeof msgpackr.Packr = pure.Packr;
