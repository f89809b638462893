import type { MarkedMachine } from "../../diagrams/marked-machine.ts";
import type { Route } from "../../runtime/routes/router.ts";
import { type ConsumerIndex, nameOf } from "../activity/consumer-index.ts";
import type { ConsumerFacts, MachineFacts } from "../protocol.ts";
import { renderDiagram } from "./render-diagram.ts";

export function consumerFacts(consumers: ConsumerIndex, routes: readonly Route[]): ConsumerFacts[] {
  return [...consumers].map(({ id, Consumer, machines }) => ({
    id,
    name: nameOf(Consumer),
    routes: routes.filter((route) => route.Consumer === Consumer).map(({ pattern }) => pattern),
    ...(Consumer.layer !== undefined && { layer: Consumer.layer }),
    hasOwn: machines.has("own"),
  }));
}

const pictures = new WeakMap<MarkedMachine, Promise<MachineFacts["picture"]>>();

/** The machines of a consumer. Each picture is rendered once, on first request. */
export function machineFacts(consumers: ConsumerIndex, id: string): Promise<MachineFacts[]> {
  const machines = consumers.find(id)?.machines ?? [];
  return Promise.all(
    [...machines].map(async ([kind, machine]) => {
      const picture = pictures.get(machine) ?? renderDiagram(machine);
      pictures.set(machine, picture);
      const { name, states, arrows } = machine;
      return { kind, name, states, arrows, picture: await picture };
    }),
  );
}
