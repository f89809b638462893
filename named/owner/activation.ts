import { isDeepStrictEqual } from "node:util";
import type { Message } from "../../layers/message.ts";
import type { Commit, StoredMessage, Taken } from "../../layers/state-backend.ts";
import { migrated } from "../kind-options.ts";
import { ChildFailedError } from "../machine/child-failed-error.ts";
import { type ChildEvent, MachineRun, type StepResult } from "../machine/machine-run.ts";
import { type ActorRecord, type DeadRecord, type MailRecord, reasonOf, viewIn } from "../records.ts";
import { nextVersion } from "../versions.ts";
import { Batch, type Item, type LocalAnswer, type PackedRecord, type Work } from "./batch.ts";
import { effectsOf } from "./effects.ts";
import type { ActorContext } from "./owner-context.ts";

/** The first pause after a failed step, in milliseconds. It doubles with each further try. */
const firstPauseMs = 100;
const longestPauseMs = 10_000;

/** The number of loads without a commit from which messages are handled one by one. */
const cautiousLoads = 2;
/** The number of loads without a commit from which the first message is set aside. */
const fatalLoads = 3;

/** A snapshot of this size is reported once, because each commit sends it to the store. */
const largeSnapshotBytes = 64 * 1024;

/** An actor in the memory of the node that owns it. */
export class Activation {
  readonly key: string;
  /** The time of the last step, in milliseconds of `performance.now`. */
  lastUsedAt = performance.now();
  readonly #context: ActorContext;
  readonly #onChild: () => void;
  readonly #childEvents: ChildEvent[] = [];
  /** The version in the store. Undefined if the actor does not exist. */
  #version: string | undefined;
  /** The record in the store. */
  #record: ActorRecord | undefined;
  /** The running machine. Undefined if the actor does not exist, is parked, or is in a final state. */
  #run: MachineRun | undefined;
  #shownView: unknown;
  #tries = 0;
  /** Whether to commit after each step. */
  #isCautious = false;
  /** Whether to set aside the first thing that the actor would do. */
  #setsAside = false;
  #isParked = false;
  #reportedSize = false;

  /** @param onChild called when a child has sent an event, so that {@link work} has something to do. */
  constructor(key: string, context: ActorContext, onChild: () => void) {
    this.key = key;
    this.#context = context;
    this.#onChild = onChild;
  }

  get version(): string | undefined {
    return this.#version;
  }

  /** Whether a promise, callback or observable of the actor runs, or has sent an event. */
  get isBusy(): boolean {
    return this.#run?.isBusy === true || this.#childEvents.length > 0;
  }

  /** Takes over the stored actor. A snapshot that cannot be loaded parks the actor in the next {@link work}. */
  load({ state, loads, parked }: Taken): void {
    this.#isCautious = loads >= cautiousLoads;
    this.#setsAside = loads >= fatalLoads;
    this.#isParked = parked !== undefined;
    this.#version = state?.version;
    this.#record = state && this.#context.codec.unpack("state", this.key, state.data);
    this.#shownView = this.#record && viewIn(this.#record);
    if (!this.#isParked) this.#restore();
  }

  /**
   * Handles events of children, due delays, and messages, in the order of their times, as long as `hasTime` returns
   * true.
   *
   * @param mustCommit whether to commit even if nothing happens, because the deadline in the store is outdated
   */
  work(messages: readonly StoredMessage[], mustCommit: boolean, hasTime: () => boolean): Work {
    const batch = new Batch(this.key, this.#context.partition, this.#version, this.#context.codec);
    let retryInMs: number | undefined;
    let item = this.#next(messages[0]);
    while (item !== undefined) {
      batch.items.push(item);
      try {
        this.#step(item, batch);
        this.#tries = 0;
      } catch (error) {
        retryInMs = this.#failed(item, error, batch);
        if (retryInMs !== undefined) break;
      }
      item = this.#next(messages[batch.taken]);
      if (this.#isCautious || batch.isLarge || !hasTime()) break;
    }
    const isDone = item === undefined && batch.taken === messages.length;
    const hasMore = !isDone && retryInMs === undefined;
    try {
      const commit = this.#finish(batch, mustCommit);
      return { commit, answers: batch.answers, outbox: batch.records, hasMore, retryInMs };
    } catch (error) {
      return this.#unstorable(batch, error);
    }
  }

  /** Must be called when the commit of {@link work} is stored. Runs custom actions, and starts children. */
  committed(commit: Commit): void {
    this.#isCautious = false;
    this.#setsAside = false;
    if (commit.remove) {
      this.#version = undefined;
      this.#record = undefined;
    } else if (commit.state !== undefined) this.#version = commit.state.version;
    this.#run?.committed();
    if (this.#record?.u !== undefined || this.#isParked) this.#stopRun();
  }

  /** Stops the children. The stored actor does not change. */
  stop(): void {
    this.#stopRun();
    this.#childEvents.length = 0;
  }

  /** Whether the machine is in a final state, which the current batch may not have stored yet. */
  get #isEnded(): boolean {
    return this.#record?.u !== undefined || this.#run?.snapshot.status === "done";
  }

  #stopRun(): void {
    this.#run?.stop();
    this.#run = undefined;
  }

  /** Continues from the stored record. */
  #restore(): void {
    this.#stopRun();
    const record = this.#record;
    if (record === undefined || record.u !== undefined) return;
    const { behaviour } = this.#context;
    const saved = migrated(record.m, record.v, behaviour);
    this.#run = MachineRun.restore(behaviour.machine, saved, this.#runOptions);
    this.#run.committed();
  }

  get #runOptions() {
    const { now, report } = this.#context;
    return {
      now,
      onChild: (event: ChildEvent) => {
        this.#childEvents.push(event);
        this.#onChild();
      },
      onActionError: (error: unknown) => report(error, this.key, "action"),
    };
  }

  #next(mail: StoredMessage | undefined): Item | undefined {
    if (this.#isParked) return undefined;
    const event = this.#childEvents[0];
    if (event !== undefined) return { type: "child", event };
    const delay = this.#run?.delays[0];
    if (
      delay !== undefined &&
      delay.at <= Math.min(this.#context.now(), mail?.at ?? Number.POSITIVE_INFINITY)
    )
      return { type: "delay", delay };
    const record = this.#record;
    if (record?.u !== undefined && record.u <= this.#context.now()) return undefined;
    return mail && { type: "mail", mail };
  }

  #step(item: Item, batch: Batch): void {
    const { counts } = this.#context;
    if (this.#setsAside) {
      this.#setsAside = false;
      this.#tries = Number.POSITIVE_INFINITY;
      throw new Error(
        `The process ended ${fatalLoads - 1} times while the actor handled this, so it was set aside.`,
      );
    }
    counts.steps += 1;
    if (item.type === "mail") this.#stepMail(item.mail, batch);
    else if (item.type === "delay") this.#apply(batch, (run, check) => run.stepDelay(item.delay, check));
    else {
      this.#apply(batch, (run, check) => run.stepChild(item.event, check));
      this.#childEvents.shift();
    }
  }

  #stepMail(stored: StoredMessage, batch: Batch): void {
    const { codec, checks } = this.#context;
    const mail = codec.unpack("mail", this.key, stored.payload);
    const { m: message, a: ask } = mail;
    const refusal = checks.refusalOf(message);
    if (refusal !== undefined) this.#answer(batch, ask, { refused: { code: "invalid", message: refusal } });
    else if (this.#isEnded) {
      const value = this.#run?.snapshot.value ?? this.#record?.m.state.value;
      const text = `The actor is in a final state: ${JSON.stringify(value)}.`;
      this.#answer(batch, ask, { refused: { code: "ended", message: text } });
    } else {
      const delivery = ask === undefined ? {} : { ask };
      const event = { type: `message.${message.type}`, message, delivery };
      const { taken } = this.#apply(batch, (run, check) => run.step(event, check), mail);
      if (!taken) {
        const text = `The machine has no transition for "${message.type}" in its present state.`;
        this.#answer(batch, ask, { refused: { code: "unexpected", message: text } });
      }
    }
    batch.take(stored);
  }

  /** Runs one step, and adds its effects to the batch. Starts the machine if the actor does not exist. */
  #apply(
    batch: Batch,
    step: (run: MachineRun, check: (emitted: readonly unknown[]) => void) => StepResult,
    mail?: MailRecord,
  ): StepResult {
    const { machine, input } = this.#context.behaviour;
    const isNew = this.#run === undefined;
    const effects: { readonly local: readonly LocalAnswer[]; readonly sent: readonly PackedRecord[] }[] = [];
    // An effect that cannot be stored fails the step that emits it, before the step takes effect.
    const check = (emitted: readonly unknown[]) => {
      const { answers, outbox } = effectsOf(emitted, mail?.a, mail !== undefined);
      const local = answers.filter(({ ask }) => this.#context.isLocal(ask));
      const others = answers.filter(({ ask }) => !this.#context.isLocal(ask));
      const sent = [...others.map((answer) => ({ t: "answer", ...answer }) as const), ...outbox];
      effects.push({ local, sent: sent.map((record) => batch.pack(record)) });
    };
    let run = this.#run;
    if (run === undefined) run = MachineRun.start(machine, input?.(this.key), this.#runOptions, check).run;
    const first = effects.splice(0);
    let result: StepResult;
    try {
      result = step(run, check);
    } catch (error) {
      if (isNew) run.stop();
      throw error;
    }
    // A message that changes nothing does not create the actor.
    if (isNew && !result.changed) run.stop();
    else this.#run = run;
    const isCreated = isNew && result.changed;
    for (const { local, sent } of isCreated ? [...first, ...effects] : effects) {
      batch.answers.push(...local);
      for (const record of sent) batch.send(record);
    }
    if (result.changed) batch.changes += 1;
    return result;
  }

  #answer(batch: Batch, ask: string | undefined, answer: LocalAnswer["answer"]): void {
    if (ask === undefined) return;
    if (this.#context.isLocal(ask)) batch.answers.push({ ask, answer });
    else batch.send(batch.pack({ t: "answer", ask, answer }));
  }

  /** Returns the pause before the next try. Undefined if the item was given up. */
  #failed(item: Item, error: unknown, batch: Batch): number | undefined {
    this.#context.counts.failed += 1;
    if (error instanceof ChildFailedError) {
      this.#childEvents.shift();
      this.#park(error, batch);
      return undefined;
    }
    this.#tries += 1;
    if (this.#tries < this.#context.behaviour.attempts)
      return Math.min(longestPauseMs, firstPauseMs * 2 ** (this.#tries - 1));
    this.#tries = 0;
    this.#giveUp(item, error, batch);
    return undefined;
  }

  /** Sets aside a message, delay or event of a child that fails again and again. */
  #giveUp(item: Item, error: unknown, batch: Batch): void {
    const reason = reasonOf(error);
    this.#context.report(error, this.key, item.type === "mail" ? "message" : item.type);
    this.#context.buried(this.key, reason);
    batch.bury({ key: this.key, reason, at: this.#context.now(), ...this.#factsOf(item) });
    if (item.type === "mail") {
      batch.take(item.mail);
      this.#answer(batch, this.#readMail(item)?.a, { failed: reason });
    } else if (item.type === "delay") {
      this.#run?.dropDelay(item.delay);
      batch.changes += 1;
    } else this.#childEvents.shift();
  }

  #factsOf(item: Item): Partial<DeadRecord> {
    if (item.type === "delay") return { delay: item.delay.event.type };
    const message: Message | undefined = item.type === "mail" ? this.#readMail(item)?.m : undefined;
    return message === undefined ? {} : { message };
  }

  #readMail({ mail }: Extract<Item, { readonly type: "mail" }>): MailRecord | undefined {
    try {
      return this.#context.codec.unpack("mail", this.key, mail.payload);
    } catch {
      return undefined;
    }
  }

  /** Parks the actor: it does nothing until an operator resumes it. */
  #park(error: unknown, batch: Batch): void {
    const reason = reasonOf(error);
    this.#isParked = true;
    batch.parked = { reason, at: this.#context.now() };
    this.#context.parked(this.key, reason);
    this.#context.counts.parked += 1;
    this.#context.report(error, this.key, "parked");
  }

  /** Parks an actor whose snapshot cannot be loaded. */
  parkUnloadable(error: unknown): Commit {
    const { codec, partition } = this.#context;
    const batch = new Batch(this.key, partition, this.#version, codec);
    this.#park(error, batch);
    return batch.commit(undefined, undefined);
  }

  /**
   * Returns the commit of a batch. Undefined if there is nothing to store.
   * @throws {InvalidMessageError} if the snapshot is too large, or has a part that a message cannot hold.
   * @throws what the option `view` throws
   */
  #finish(batch: Batch, mustCommit: boolean): Commit | undefined {
    const { behaviour, codec, now } = this.#context;
    const until = this.#record?.u;
    if (until !== undefined && until <= now() && batch.taken === 0) return batch.removal();
    const run = this.#run;
    let state: Commit["state"];
    let deadline = until ?? run?.delays[0]?.at;
    if (batch.changes > 0 && run !== undefined) {
      const view = behaviour.view?.(run.snapshot);
      const ends = run.snapshot.status === "done" ? now() + behaviour.keepMs : undefined;
      const record: ActorRecord = {
        v: behaviour.version,
        m: run.saved(),
        ...(view !== undefined && { w: view }),
        ...(ends !== undefined && { u: ends }),
      };
      const version = nextVersion(this.#version);
      state = { version, data: codec.pack("state", this.key, record) };
      this.#checkSize(state.data.length);
      const shown = viewIn(record);
      if (this.#version === undefined || !isDeepStrictEqual(shown, this.#shownView))
        batch.view = { n: version, w: shown };
      this.#record = record;
      this.#shownView = shown;
      deadline = ends ?? deadline;
    }
    if (state === undefined && batch.isEmpty && !(mustCommit && this.#version !== undefined))
      return undefined;
    return batch.commit(state, this.#isParked ? undefined : deadline);
  }

  /**
   * The result of some steps cannot be stored: the snapshot is too large, or its view fails. Several steps are done
   * again, one by one. A single step is given up, because another try would do the same.
   */
  #unstorable({ items, taken }: Batch, error: unknown): Work {
    const [item] = items;
    const none = { answers: [], outbox: [], retryInMs: undefined };
    try {
      this.#restore();
    } catch (failure) {
      return { ...none, commit: this.parkUnloadable(failure), hasMore: false };
    }
    this.#isCautious = true;
    const batch = new Batch(this.key, this.#context.partition, this.#version, this.#context.codec);
    if (items.length > 1 || item === undefined) return { ...none, commit: undefined, hasMore: true };
    this.#context.counts.failed += 1;
    if (item.type === "mail" && taken === 1) this.#giveUp(item, error, batch);
    else this.#park(error, batch);
    const commit = batch.commit(undefined, this.#isParked ? undefined : this.#run?.delays[0]?.at);
    return { commit, answers: batch.answers, outbox: batch.records, hasMore: true, retryInMs: undefined };
  }

  #checkSize(bytes: number): void {
    if (bytes <= largeSnapshotBytes || this.#reportedSize) return;
    this.#reportedSize = true;
    const text = `The snapshot of this actor has ${bytes} bytes, and each commit sends all of it to the store.`;
    this.#context.report(new Error(text), this.key, "snapshot");
  }
}
