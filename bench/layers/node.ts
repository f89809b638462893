import { type Cost, costOf } from "../harness/cpu.ts";
import { serveTasks } from "../harness/worker-process.ts";
import { type Acknowledgements, connectTo, listenForAcknowledgements } from "./acknowledgements.ts";
import { Arrivals } from "./arrivals.ts";
import type { Carrier } from "./carriers/carrier.ts";
import { type CarrierName, carriers } from "./carriers/index.ts";
import { greet, type Load, publishAll } from "./publishing.ts";

/** The number of groups of a receiving node, and the number of members of each group. */
export interface Room {
  readonly groups: number;
  readonly members: number;
  /** The number of groups that receive messages. @default all */
  readonly busy?: number;
}

export interface Joins {
  readonly joins: number;
  readonly atOnce: number;
}

let carrier: Carrier | undefined;
let acknowledgements: Acknowledgements | undefined;
let arrivals: Arrivals | undefined;
let joined = 0;

const tasks = {
  /** Connects. @returns the port on which the node receives acknowledgements */
  async open(name: CarrierName, url: string): Promise<number> {
    carrier = await carriers[name].open(url);
    acknowledgements = await listenForAcknowledgements();
    return acknowledgements.port;
  },
  /** Joins the groups. @param port the port of the publishing node for acknowledgements */
  async join(room: Room, port: number): Promise<void> {
    const own = required(acknowledgements);
    // A node that publishes to itself acknowledges without a connection.
    const acknowledge = port === own.port ? (count: number) => own.onArrived(count) : await connectTo(port);
    arrivals = new Arrivals(acknowledge);
    await required(carrier).join(groupsOf(room), room.members, arrivals.arrived);
  },
  /** Publishes greetings. Resolves when one has arrived. */
  greet: () => greet(required(carrier), groupName(0), required(acknowledgements)),
  expect: (messages: number) => required(arrivals).expect(messages),
  publish(room: Room, load: Load): Promise<Cost> {
    const groups = groupsOf(room).slice(0, room.busy);
    return costOf(() => publishAll(required(carrier), groups, load, required(acknowledgements)));
  },
  /** Resolves when all expected messages have arrived. */
  arrived: () => required(arrivals).all,
  joinMany: ({ joins, atOnce }: Joins) =>
    costOf(async () => {
      for (let done = 0; done < joins; done += atOnce)
        await Promise.all(Array.from({ length: atOnce }, joinOne));
    }),
};
export type NodeTasks = typeof tasks;

serveTasks(tasks);

function joinOne(): Promise<unknown> {
  const { joinOne } = required(carrier);
  if (joinOne === undefined) throw new Error("This carrier does not report when a join is complete.");
  joined += 1;
  return joinOne(`joined-${joined}`);
}

function groupsOf({ groups }: Room): string[] {
  return Array.from({ length: groups }, (_, index) => groupName(index));
}

function groupName(index: number): string {
  return `group-${index}`;
}

function required<T>(value: T | undefined): T {
  if (value === undefined) throw new Error("Call the tasks of a node in order: open, join, expect.");
  return value;
}
