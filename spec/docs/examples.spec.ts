import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { expect } from "chai";
import { run } from "../support/child-process.ts";
import { codeBlocks } from "../support/code-blocks.ts";

const root = fileURLToPath(new URL("../..", import.meta.url));
const bin = (name: string) => join(root, "node_modules/.bin", name);

/** The output of a program, whether or not it succeeded. */
async function printed(command: string, args: readonly string[], cwd: string): Promise<string> {
  const { stdout, stderr } = await run(command, args, { cwd }).catch((failure) => failure);
  return stdout + stderr;
}

/**
 * Removes the warnings about handlers that a busy machine has interrupted, each with its stack. Node explains
 * only the first warning of a process, in a line of its own.
 */
function withoutInterruptions(said: string): string {
  const warning = /^\(node:\d+\) GreenroomWarning: .* blocked the event loop for .*\n/;
  const rest = /(?:BlockedEventLoopError: .*\n)?(?: {4}at .*\n)*(?:\(Use `node .*\n)?/;
  return said.replace(new RegExp(warning.source + rest.source, "gm"), "");
}

/**
 * Writes each example of a page as a module of its own: under the name in its first line if it has one, so that others
 * can import it.
 */
async function writeExamples(page: string, folder: string): Promise<void> {
  const text = await readFile(join(root, page), "utf8");
  const examples = codeBlocks(text).filter(({ language }) => /^tsx?$/.test(language));
  expect(examples).not.to.have.length(0);
  for (const [index, { code, language, file = `example-${index + 1}.${language}` }] of examples.entries()) {
    await writeFile(join(folder, file), `${code}export {};\n`);
  }
}

const flags = ["--import=tsx", "--conditions=greenroom-source"];

/** The expected output of the examples of each page, by name. */
const pages: Readonly<Record<string, Readonly<Record<string, readonly string[]>>>> = {
  "guides/choose-a-layer": {},
  "guides/change-to-streams": {
    deployment: ["from an old process", "from an old process", "from a new process", "from a new process"],
  },
  "guides/connect-to-redis": {},
  "guides/draw-state-machines": {},
  "guides/encrypt-messages": {},
  "guides/give-a-machine-a-contract": {
    bids: [
      '{"type":"greenroom.reply","id":1,"value":{"best":30}}',
      '{"type":"greenroom.error","id":2,"code":"too_low","message":"Another bid is higher"}',
      '{"type":"sold","lot":"vase","to":"Ada"}',
      '{"type":"greenroom.error","code":"greenroom.invalid","message":"The payload of \\"bid\\" is not valid: amount: Invalid input: expected number, received string","issues":[{"path":["amount"],"message":"Invalid input: expected number, received string"}],"expected":[]}',
    ],
    oracle: ['{"type":"greenroom.reply","id":"a","value":"Only you know: Why?"}'],
  },
  "guides/guards-and-sign-in": {},
  "guides/named-actors": {
    main: ["500", "too_low Bid more than 500", "{ state: 'open', amount: 500, by: 'ada' }"],
  },
  "guides/operate-named-actors": {},
  "guides/refuse-a-connection": {},
  // They have a spec of their own.
  "guides/sign-in-recipes": {},
  "guides/histories-and-gaps": { "example-1": ["1 1 true"] },
  "guides/work-queues": { "example-1": ["a.png 1"] },
  "guides/write-a-backend": {},
  "reference/layer-options": {},
  "guides/inspect-a-running-server": {
    transitions: ["connecting: accept → joined", "joined: close → closing", "closing: cleaned → closed"],
  },
  "guides/logs": {
    main: [
      '{"level":30,"consumer":"Echo","path":"/ws/echo","msg":"greenroom:connection.joined"}',
      '{"level":30,"consumer":"Echo","path":"/ws/echo","code":1000,"reason":"","by":"client","msg":"greenroom:connection.closed"}',
      '{"level":30,"connections":0,"msg":"greenroom:runtime.draining"}',
      '{"level":30,"msg":"greenroom:runtime.closed"}',
    ],
  },
  "reference/events": {},
  "guides/reach-other-actors": {
    addressing: ["3 42 2 0 0", "ERR_NO_SUCH_ACTOR"],
    tags: ["2 4001"],
  },
  "guides/run-background-jobs": { workers: ["50 % done: cat.small.png"] },
  "guides/share-a-server": { neighbours: ["other", "hello"], reload: ["false"] },
  "guides/slow-clients-and-full-mailboxes": {},
  "guides/spawn-actors": { bot: ["hello", "1000 client"] },
  "guides/survive-failures": {},
  "guides/test-actors": {},
  "guides/test-groups": {},
  "guides/test-sessions": {},
  "guides/track-presence": {
    doorkeeper: ['[] ["carl"]', "[] 0"],
    presence: [
      "anne,bert noon 2",
      "anne is here · bert is here",
      "bert has 2 tab(s)",
      "bert has 1 tab(s)",
      "bert has left",
    ],
  },
  "guides/use-a-state-machine": { main: ["open"] },
  "guides/write-a-consumer": {
    main: ["page 12 · joined: true", "A reader of emma has left (1012, by the runtime)."],
  },
  "guides/use-a-database": { "notes.test": ["42 notes [ 'milk' ]"], greeting: ["{ notes: 7 }"] },
  // Its server has a spec of its own.
  "guides/deploy": {},
  "guides/sessions": {},
  "guides/client-frameworks": {},
  "guides/metrics": { metrics: ['greenroom_layer_up{layer="chat"} 1'] },
  "guides/tracing": {},
  "guides/client": {
    main: [
      "joined",
      "Someone: hello",
      "{ before: 'Someone' }",
      "away",
      "joined",
      "Ada: still here",
      "taken",
      "closing",
      "closed",
    ],
  },
  "reference/asyncapi": {
    "example-1": [
      "ws_room_room.client.say",
      "ws_room_room.client.rename",
      "ws_room_room.server.said",
      "ws_room_room.error",
    ],
  },
  "reference/concepts": {
    street: ["Bob is at the door · joined: true"],
    layers: ["[ 'chat: once-or-gap', 'orders: once-or-gap' ]"],
  },
  "guides/troubleshooting": {
    unheard: ["hello 1", "3 2"],
    bounded: ["The handler had not settled after 100 ms (receive).", "1011"],
  },
  "guides/contracts": {
    main: [
      '{"type":"said","name":"Ada","text":"hello"}',
      '{"type":"said","name":"server","text":"You are tired."}',
      '{"type":"greenroom.error","id":7,"code":"taken","message":"This name is taken","data":{"name":"admin"}}',
      "frame RefusedFrameError",
      "greenroom.invalid [ 'text' ]",
      "1",
    ],
  },
  "guides/relay-messages": {
    main: [
      '{"type":"headline","text":"headline"}',
      '{"type":"headline","text":"update"}',
      '{"type":"headline","text":"gossip"}',
      '{"type":"greeting","text":"greeting, Ada!"}',
      '{"type":"headline","text":"headline"}',
      '{"type":"headline","text":"update"}',
      '{"type":"greeting","text":"greeting, Bob!"}',
    ],
  },
  "guides/coming-from-chanx": {
    chat: ["said undefined undefined", "greenroom.error greenroom.invalid [ 'text' ]"],
  },
  "guides/coming-from-trpc": { chat: ["greenroom.reply", '{"type":"said","text":"hello"}'] },
  "guides/coming-from-django-channels": { notes: ["from a client · from Django"] },
  "guides/coming-from-socket-io": {
    lobby: ['{"type":"note","text":"hello"}', '{"type":"error","message":"A note has a text"}'],
    "typed-lobby": [
      '{"type":"greenroom.reply","id":7,"value":1}',
      '{"type":"note","text":"hello"}',
      "greenroom.invalid",
    ],
    feed: ['{"offset":2,"text":"two"}', '{"offset":3,"text":"three"}', '{"offset":4,"text":"four"}'],
  },
};

describe("the examples in docs", function () {
  // Each starts a program that reads the whole project.
  this.timeout(180_000);
  let folder: string;

  before(async () => {
    folder = await mkdtemp(join(root, ".tmp-docs-"));
    for (const page of Object.keys(pages)) {
      await mkdir(join(folder, page), { recursive: true });
      await writeExamples(`docs/${page}.md`, join(folder, page));
    }
    const config = {
      extends: "../tsconfig.json",
      include: ["**/*.ts", "**/*.tsx"],
      compilerOptions: { noUnusedLocals: false, jsx: "react-jsx" },
    };
    await writeFile(join(folder, "tsconfig.json"), JSON.stringify(config));
  });
  after(() => rm(folder, { recursive: true }));

  it("are what the compiler takes", async () => {
    expect(await printed(bin("tsc"), ["-p", folder, "--pretty", "false"], root)).to.equal("");
  });

  for (const [page, passing] of Object.entries({
    "guides/write-a-backend": 60,
    "guides/guards-and-sign-in": 3,
    "guides/named-actors": 1,
    "guides/test-actors": 5,
    "guides/test-groups": 1,
    "guides/test-sessions": 2,
  })) {
    it(`hold specs that pass, those in ${page}.md`, async () => {
      const specs = (await readdir(join(folder, page))).filter((name) => name.endsWith(".spec.ts"));
      const paths = specs.map((name) => join(folder, page, name));
      const said = await printed(bin("mocha"), [...flags, "--no-config", "--reporter=dot", ...paths], root);
      expect(said).not.to.match(/failing/);
      expect(Number(/(\d+) passing/.exec(said)?.[1]), said).to.be.at.least(passing);
    });
  }

  for (const [page, examples] of Object.entries(pages)) {
    if (Object.keys(examples).length === 0) continue;
    it(`print what ${page}.md says`, async () => {
      // One after the other in one process: that takes less time.
      const names = Object.keys(examples);
      const all = names.map((name) => `console.log("${name}:");\nawait import("./${name}.ts");\n`);
      const file = join(folder, page, "all.ts");
      await writeFile(file, all.join(""));
      const said = withoutInterruptions(await printed(process.execPath, [...flags, file], root));
      const lines = Object.entries(examples).flatMap(([name, some]) => [`${name}:`, ...some]);
      expect(said.split("\n")).to.deep.equal([...lines, ""]);
    });
  }
});
