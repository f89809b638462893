import { readFile } from "node:fs/promises";
import { createServer } from "node:http";
import { fileURLToPath } from "node:url";
import { expect } from "chai";
import { createRuntime, WebSocketConsumer } from "greenroom";
import { WebSocketServer } from "ws";
import { Client } from "../support/client.ts";
import { closeServers, listening } from "../support/servers.ts";

const page = fileURLToPath(new URL("../../docs/guides/share-a-server.md", import.meta.url));

describe("docs/guides/share-a-server.md", () => {
  afterEach(closeServers);

  it("quotes the error about a listener that answers too much", async () => {
    const errors: string[] = [];
    const runtime = createRuntime({ onError: (error) => errors.push((error as Error).message) });
    runtime.route("/ws/echo", class extends WebSocketConsumer {});
    const server = createServer();
    runtime.attach(server);
    new WebSocketServer({ server, path: "/other" });
    expect(await Client.refused(`${await listening(server, runtime)}/ws/echo`)).to.include({ status: 400 });
    const quoted = [...(await readFile(page, "utf8")).matchAll(/```text\n(.*?)\n```/gs)].map(
      ([, text]) => text,
    );
    expect(errors).to.deep.equal(quoted);
  });
});
