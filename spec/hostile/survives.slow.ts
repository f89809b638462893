import { expect } from "chai";
import { until } from "../layers/support/until.ts";
import { destroyRawWebSockets } from "../support/raw-websocket.ts";
import { type RedisServer, startRedisServer } from "../support/redis.ts";
import { attacks } from "./support/attacks.ts";
import { outages } from "./support/outages.ts";
import { type Bystander, type Figures, Program } from "./support/programs.ts";

/** The memory that a program may keep after an attack: that of the garbage collector and of warm code. */
const slackBytes = 150 * 1_048_576;

const targets = {
  "The README's example": (redisUrl: string | undefined) => Program.readme(redisUrl),
  "The demo": (redisUrl: string | undefined) => Program.demo(redisUrl),
};

for (const [name, start] of Object.entries(targets)) {
  for (const place of ["in memory", "on Redis"]) {
    describe(`${name} ${place} survives`, function () {
      this.timeout(60_000);
      let redis: RedisServer | undefined;
      let program: Program;
      let bystander: Bystander;
      let first: Figures;

      before(async () => {
        if (place === "on Redis") redis = await startRedisServer();
        program = await start(redis?.url);
        bystander = await program.bystander();
        await bystander.echo();
        first = await program.figures();
      });
      after(async () => {
        await program.stop();
        await redis?.kill();
      });
      afterEach(destroyRawWebSockets);

      for (const [attack, [run, ends]] of Object.entries(attacks)) {
        it(attack, async () => {
          const end = await run(program);
          if (ends.length > 0) expect(end).to.be.oneOf(ends);
          await bystander.echo();
          await destroyRawWebSockets();
          // Handles of the server return to their number: sockets and timers of the attack are gone.
          await until(async () => {
            const { handles } = await program.figures();
            return (handles.TCPSocketWrap ?? 0) <= (first.handles.TCPSocketWrap ?? 0);
          });
          expect((await program.figures()).rss).to.be.lessThan(first.rss + slackBytes);
          expect(program.isRunning).to.equal(true);
        });
      }

      for (const [outage, inflict] of place === "on Redis" ? Object.entries(outages) : []) {
        it(outage, async () => {
          // The bystander may lose its connection during the outage, and comes back.
          await inflict(redis as RedisServer);
          await until(() => program.echoes());
          await until(() => program.echoes());
        });
      }
    });
  }
}
