import { expect } from "chai";
import fc from "fast-check";
import { isControl, mark, readControl } from "../../protocol/control-frames.ts";
import { startAttack } from "../hostile/support/session-attack.ts";
import { until } from "../layers/support/until.ts";
import { SessionClient } from "../runtime/support/session-client.ts";
import { stopServing } from "../support/serving.ts";
import { fuzz } from "./support/fuzz.ts";

const number = fc.oneof(fc.nat(3), fc.constantFrom(-1, 0.5, 1e308, 2 ** 53, null, "1", [], {}));
const text = fc.oneof(fc.string({ maxLength: 5 }), fc.constantFrom("", "__proto__", null, 1, {}));
const control = fc.oneof(
  fc.record({ c: fc.constant("ack"), n: number }),
  fc.record({ c: fc.constant("resume"), session: text, try: number, got: number }),
  fc.record({
    c: fc.constant("since"),
    ticket: text,
    marks: fc.oneof(fc.dictionary(fc.string(), number), number),
  }),
  fc.record({ c: fc.constant("renew"), token: text }),
  fc.record({ c: fc.constantFrom("beat", "beat", "bye", "hello", "skip", "gone", "", 1, null) }),
  fc.dictionary(fc.constantFrom("c", "n", "__proto__", "toString"), fc.jsonValue()),
);
const raw = fc.constantFrom(
  "",
  "{",
  "[]",
  "null",
  "1",
  '"c"',
  '{"c":',
  `${mark}x`,
  "\u0000",
  '{"c":"ack","n":1}x',
);
const frame = fc.oneof(
  { weight: 4, arbitrary: fc.nat(99).map((n) => `echo ${n}`) },
  { weight: 2, arbitrary: control.map((fields) => mark + JSON.stringify(fields)) },
  { weight: 1, arbitrary: raw.map((rest) => mark + rest) },
  { weight: 1, arbitrary: fc.string({ maxLength: 5 }).map((rest) => `echo ${mark}${rest}`) },
);

/** One socket of a client: the frames it sends, and whether it first resumes its session, or guesses one. */
const socket = fc.record({
  begins: fc.constantFrom("new", "resume", "guess"),
  frames: fc.array(frame, { maxLength: 12 }),
});

/** Whether a client counts frames that it cannot have. */
function isImpossibleAck(text = ""): boolean {
  const frame = text.startsWith(mark) ? readControl(text) : undefined;
  if (frame?.c !== "ack" || !("n" in frame)) return false;
  const { n } = frame;
  return !(Number.isSafeInteger(n) && (n as number) >= 0 && (n as number) < 100);
}

describe("Fuzzing the frames of sessions", () => {
  afterEach(stopServing);

  it("ends the client's own session at most, and answers the frames before a violation in order", async () => {
    const { url, failures, runtime, sessions, bystander, check: checkBystanders } = await startAttack();
    const check = async (
      sockets: readonly { readonly begins: string; readonly frames: readonly string[] }[],
    ) => {
      let session = "";
      for (const [attempt, { begins, frames }] of sockets.entries()) {
        const isNew = begins === "new" || session === "";
        const client = isNew
          ? await SessionClient.open(`${url}?alone`)
          : await SessionClient.resume(
              `${url}?alone`,
              begins === "guess" ? `${session}x` : session,
              attempt + 1,
              0,
            );
        if (isNew) session = String((await client.nextControl()).session);
        for (const each of frames) client.send(each);
        const texts = frames.filter((each) => each.startsWith("echo ")).map((each) => each.slice(5));
        const echoes = texts.map((each) => (each.startsWith(mark) ? mark + each : each));
        const echoed: string[] = [];
        // Without a control frame, all echoes come. Otherwise the session may end before.
        const isPeaceful = isNew && !frames.some((each) => each.startsWith(mark));
        while (isPeaceful && echoed.length < echoes.length) {
          const received = String(await client.next());
          if (!isControl(received)) echoed.push(received);
        }
        client.control({ c: "bye" });
        client.websocket.close(1_000);
        const rest = await client.rest();
        for (const each of rest) if (typeof each === "string") echoed.push(each);
        const first = frames.find((each) => each.startsWith(mark));
        if (isNew && isImpossibleAck(first)) expect(rest.at(-1)).to.equal(1002);
        expect(echoed).to.deep.equal(isNew ? echoes.slice(0, echoed.length) : []);
      }
    };
    await fuzz(fc.asyncProperty(fc.array(socket, { minLength: 1, maxLength: 3 }), check), 60);
    await checkBystanders();
    expect(failures).to.deep.equal([]);
    // Only the two bystanders are left.
    await until(() => runtime.size === 2 && sessions.requests.size === 0);
    bystander.control({ c: "bye" });
    bystander.cut();
    await until(() => runtime.size === 1 && sessions.size === 0 && sessions.frames.bytes === 0);
  });
});
