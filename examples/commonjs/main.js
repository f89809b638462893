const { createServer } = require("node:http");
const { contractConsumer, createRuntime, frames, handlers, MemoryLayer, relay } = require("greenroom");
const { board } = require("./board.js");

class Board extends contractConsumer(board) {
  static layer = "notes";
  static on = handlers({ written: relay });
  static frames = frames({
    write({ text }) {
      return this.groupSend("board", { type: "written", text });
    },
  });

  async connect() {
    await this.groupAdd("board");
  }
}

async function main() {
  const runtime = createRuntime({ layers: { notes: new MemoryLayer() } });
  runtime.route(Board);
  await runtime.ready();
  const server = createServer();
  runtime.attach(server, { closeServer: true });
  server.listen(process.env.PORT ?? 3000, () => {
    console.log(`Listening on http://localhost:${server.address().port}`);
  });
  process.once("SIGTERM", () => runtime.close());
}

main().catch((error) => {
  console.error(error);
  process.exitCode = 1;
});
