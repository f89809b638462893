// The parts of the home page that come from README.md, so that its figures and its example exist once.
import { read } from "./pages.ts";

const readme = read("README.md");

/**
 * A cell of the table in README.md between `<!-- name -->` and `<!-- end of name -->`. The row and the column are
 * the first whose text begins as given, without the marks of bold text.
 *
 * @throws an error if the table has no such cell.
 */
function figure(name: string, row: string, column: string): string {
  const table = readme.split(`<!-- ${name} -->`)[1]?.split(`<!-- end of ${name} -->`)[0] ?? "";
  const cells = table
    .split("\n")
    .filter((line) => line.startsWith("|"))
    .map((line) =>
      line
        .split("|")
        .slice(1, -1)
        .map((cell) => cell.replaceAll(/\*\*|`/g, "").trim()),
    );
  const position = cells[0]?.findIndex((cell) => cell.startsWith(column)) ?? -1;
  const found = cells.find(([first]) => first?.startsWith(row))?.[position];
  if (found === undefined) throw new Error(`The table ${name} of README.md lacks ${row}, ${column}.`);
  return found;
}

/**
 * A phrase of README.md, which may span marks of bold text.
 *
 * @throws an error if README.md lacks it.
 */
function stated(phrase: string): string {
  if (!readme.replaceAll("**", "").includes(phrase)) throw new Error(`README.md does not state "${phrase}".`);
  return phrase;
}

interface Feature {
  readonly title: string;
  readonly details: string;
  readonly link: string;
  readonly linkText: string;
}

/** The features of the home page. */
export function features(): Feature[] {
  const delivered = (row: string) => figure("jitter", row, "delivered");
  const cpu = (column: string) => figure("fan-out", "µs of CPU per delivery", column);
  return [
    {
      title: "Sessions outlive sockets",
      details:
        `${delivered("Greenroom, RedisStreamsLayer")} of the messages arrive once in rooms whose network breaks ` +
        `${stated("1,700 times")}. With Socket.IO, ${delivered("Socket.IO")} arrive. If a message may be missing, the ` +
        "client hears of it.",
      link: "/guides/sessions.md",
      linkText: "Sessions",
    },
    {
      title: "A room for a thousand",
      details:
        `${cpu("Greenroom")} µs of CPU for each delivery to a room of ${stated("1,000 members")}. Socket.IO takes ` +
        `${cpu("Socket.IO")} µs, a loop over bare ws ${cpu("bare ws")} µs, and uWebSockets.js, in C++, ` +
        `${cpu("uWebSockets.js")} µs.`,
      link: "/bench/fan-out.md",
      linkText: "The benchmark of fan-out",
    },
    {
      title: "One contract for both ends",
      details:
        "The server and the page import the frames of a path. The compiler checks your code, and the server checks " +
        `each frame. The client has ${stated("no dependencies and about 5 KB")}.`,
      link: "/guides/contracts.md",
      linkText: "Contracts",
    },
    {
      title: "Everything has a bound",
      details:
        "Each limit has a default and a counter: for connections, rates, frames, groups, jobs and waiting bytes. " +
        `A frame has at most ${stated("64 KiB")}, and at most ${stated("1 MiB")} waits for a slow client.`,
      link: "/reference/limits.md",
      linkText: "Limits",
    },
    {
      title: "State that survives servers",
      details:
        "A named actor, such as a game or an auction, is a state machine on Redis. Its state and its timers outlive " +
        "connections, deploys and crashes.",
      link: "/guides/named-actors.md",
      linkText: "Named actors",
    },
    {
      title: "Visible while it runs",
      details:
        "The inspector shows the state machine of each connection, live. Metrics, alerts, traces and logs need a " +
        "line of code each.",
      link: "/guides/inspect-a-running-server.md",
      linkText: "The inspector",
    },
  ];
}

/** The example of README.md: one tab for each file. */
export function example(): string {
  const [, section = ""] = /\n## A room chat\n([\s\S]*?)\n## /.exec(readme) ?? [];
  const files = [...section.matchAll(/^```ts\n\/\/ (\w+\.ts)(.*)\n([\s\S]*?)^```$/gm)];
  if (files.length === 0) throw new Error("README.md lacks its example.");
  const tabs = files.map(([, name = "", rest = "", code = ""]) => {
    const remark = rest === "" ? "" : `// ${rest.replace(/^, /, "")}\n`;
    return `\`\`\`ts [${name}]\n${remark}${code}\`\`\``;
  });
  return ["::: code-group", ...tabs, ":::"].join("\n");
}
