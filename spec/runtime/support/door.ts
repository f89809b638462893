import type { Layers } from "greenroom";
import { internals } from "../../../runtime/internals.ts";
import type { Serving } from "../../support/serving.ts";

/** The counts of connections of a runtime. */
export const connectionLimitsOf = ({ runtime }: Pick<Serving<Layers>, "runtime">) =>
  runtime[internals].context.connectionLimits;
