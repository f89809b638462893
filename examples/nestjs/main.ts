import "reflect-metadata";
import { NestFactory } from "@nestjs/core";
import { AppModule } from "./app.module.ts";
import { Sessions } from "./sessions.ts";

const app = await NestFactory.create(AppModule, { logger: ["warn", "error"] });
app.use(app.get(Sessions).middleware);
// Without the option, the process ends by the signal: its exit code is then 143.
app.enableShutdownHooks([], { useProcessExit: true });
await app.listen(process.env.PORT ?? 3000);
console.log(`Listening on ${await app.getUrl()}`);
