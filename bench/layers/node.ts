import { answerTasks } from "../remote-process.ts";
import { type Acknowledgements, connectTo, hearAcknowledgements } from "./acknowledgements.ts";
import { Arrivals } from "./arrivals.ts";
import type { Carrier } from "./carriers/carrier.ts";
import { carriers } from "./carriers/index.ts";
import { startProfile } from "./profile.ts";
import { greet, publishAll } from "./publishing.ts";
import type { Done, Room, Tasks } from "./tasks.ts";

/** The process of one node: it does what the bench asks, until that hangs up. */

let carrier: Carrier | undefined;
let heard: Acknowledgements | undefined;
let arrivals: Arrivals | undefined;
let endProfile = async () => {};
let joined = 0;

const tasks: Tasks = {
  async open(name, url) {
    carrier = await carriers[name].open(url);
    heard = await hearAcknowledgements();
    return heard.port;
  },
  async join(room, port) {
    const here = there(heard);
    // A node that sends to itself needs no connection for that.
    const tell = port === here.port ? (count: number) => here.onArrived(count) : await connectTo(port);
    arrivals = new Arrivals(tell);
    await there(carrier).join(groupsOf(room), room.members, arrivals.arrived);
  },
  greet: () => greet(there(carrier), groupName(0), there(heard)),
  async expect(messages, profile) {
    if (profile !== undefined) endProfile = await startProfile(profile);
    there(arrivals).expect(messages);
  },
  async publish(room, load, profile) {
    const end = profile === undefined ? () => {} : await startProfile(profile);
    const done = await measured(() =>
      publishAll(there(carrier), groupsOf(room).slice(0, room.busy), load, there(heard)),
    );
    await end();
    return done;
  },
  async arrived() {
    const figures = await there(arrivals).all;
    await endProfile();
    return figures;
  },
  joinMany: ({ joins, atOnce }) =>
    measured(async () => {
      for (let done = 0; done < joins; done += atOnce) {
        await Promise.all(Array.from({ length: atOnce }, () => joinOne()));
      }
    }),
};

function joinOne(): Promise<unknown> {
  const { joinOne } = there(carrier);
  if (joinOne === undefined) throw new Error("This carrier does not tell when one has joined.");
  joined += 1;
  return joinOne(`joined-${joined}`);
}

async function measured(work: () => Promise<void>): Promise<Done> {
  const [cpu, at] = [process.cpuUsage(), performance.now()];
  await work();
  const seconds = (performance.now() - at) / 1_000;
  const { user, system } = process.cpuUsage(cpu);
  return { cpuMicros: user + system, seconds };
}

function groupsOf({ groups }: Room): string[] {
  return Array.from({ length: groups }, (_, index) => groupName(index));
}

function groupName(index: number): string {
  return `group-${index}`;
}

function there<T>(value: T | undefined): T {
  if (value === undefined) throw new Error("The tasks of a node come in order: open, join, expect.");
  return value;
}

answerTasks(tasks);
