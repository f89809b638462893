// Restarts two servers one after the other, while clients talk through each proxy that is installed.
import assert from "node:assert/strict";
import { test } from "node:test";
import { freePorts } from "./free-ports.ts";
import { type Running, startProxy, startRedis, startServer } from "./processes.ts";
import { findProgram, proxyPrograms } from "./proxy-programs.ts";
import { Talker } from "./talker.ts";

const installed = proxyPrograms.filter(({ name }) => findProgram(name) !== undefined);
for (const { name } of proxyPrograms) {
  if (findProgram(name) === undefined) test(`behind ${name}`, { skip: `${name} is not installed` });
}

const names = installed.map(({ name }) => name).join(", ");
test(`a rolling restart behind ${names}`, { timeout: 160_000 }, async (context) => {
  const running: Running[] = [];
  const talkers: Talker[] = [];
  context.after(async () => {
    await Promise.all(talkers.map((talker) => talker.close()));
    for (const each of running.reverse()) await each.stop();
  });
  const [redisPort = 0, ...ports] = await freePorts(3);
  const redisUrl = `redis://127.0.0.1:${redisPort}`;
  running.push(await startRedis(redisPort));
  const servers = await Promise.all(ports.map((port) => startServer(port, redisUrl)));
  running.push(...servers);
  for (const program of installed) {
    const [proxyPort = 0] = await freePorts(1);
    running.push(await startProxy(program, [proxyPort, ...ports]));
    for (let count = 0; count < 4; count += 1) {
      talkers.push(new Talker(`http://127.0.0.1:${proxyPort}`, `${program.name} ${count}`, talkers.length));
    }
  }

  /** All say more, and hear all. */
  const talkOn = () =>
    Promise.all(talkers.flatMap((one) => talkers.map((other) => one.hears(other, other.last + 5))));
  for (const talker of talkers) talker.start();
  await talkOn();

  await context.test(
    "a broken connection reaches the same server again, where its session goes on",
    async () => {
      for (const talker of talkers) talker.breakConnection();
      await talkOn();
      for (const { name, gaps } of talkers) assert.deepEqual(gaps, [], name);
    },
  );

  await context.test("clients of a server that ends begin a session at the other one", async () => {
    for (const [index, server] of servers.entries()) {
      await server.stop();
      running.push(await startServer(ports[index] ?? 0, redisUrl));
      await talkOn();
    }
    for (const { name, gaps } of talkers) {
      assert.ok(
        gaps.some(({ fresh }) => fresh),
        `${name} has stayed at one server`,
      );
    }
  });

  await context.test("no line is lost, and none is shown twice", async () => {
    await Promise.all(talkers.map((talker) => talker.stop()));
    await Promise.all(talkers.flatMap((one) => talkers.map((other) => one.hears(other, other.last))));
    for (const one of talkers) {
      assert.deepEqual(
        one.gaps.filter(({ group }) => group !== undefined),
        [],
        one.name,
      );
      for (const other of talkers) {
        const numbers = one.heardFrom(other);
        // The first lines of the others may precede the first connection of a client.
        const [first = 0] = numbers;
        const expected = Array.from({ length: other.last - first + 1 }, (_, index) => first + index);
        assert.deepEqual(numbers, expected, `${one.name} heard ${other.name}`);
      }
    }
    const lines = talkers.reduce((sum, { last }) => sum + last, 0);
    const repeated = talkers.reduce((sum, talker) => sum + talker.repeated, 0);
    context.diagnostic(
      `${lines} lines, ${repeated} of ${lines * talkers.length} arrived twice and were dropped`,
    );
  });
});
