import { clientStates } from "greenroom/client";
import { createMachine } from "xstate";

/** The states of a client of `greenroom/client`. */
export const clientMachine = createMachine(clientStates);
