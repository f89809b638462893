import type { CarrierName } from "./carriers/index.ts";

/** Where messages go: the members of each group are all on the receiver's node. */
export interface Room {
  readonly groups: number;
  readonly members: number;
}

export interface Load {
  readonly messages: number;
  readonly inFlight: number;
}

export interface Joins {
  readonly joins: number;
  readonly atOnce: number;
}

/** What the receiver measures. Latency is from the call that sends to the first member. */
export interface Arrived {
  readonly cpuMicros: number;
  readonly p50Ms: number;
  readonly p99Ms: number;
}

/** What is measured of a node that does something. */
export interface Done {
  readonly cpuMicros: number;
  readonly seconds: number;
}

/** What a node's process can be asked to do, and what it answers. */
export interface Tasks {
  /** @returns the port where arrivals are to be told. */
  open(carrier: CarrierName, url: string): Promise<number>;
  /** @param port of the process that publishes. */
  join(room: Room, port: number): Promise<void>;
  /** Resolves once messages arrive. */
  greet(): Promise<void>;
  /** @param profile the file for a CPU profile, if one is wanted: the figures are higher then. */
  expect(messages: number, profile?: string): Promise<void>;
  publish(room: Room, load: Load, profile?: string): Promise<Done>;
  arrived(): Promise<Arrived>;
  /** Joins groups that nobody is in. */
  joinMany(joins: Joins): Promise<Done>;
}
