// Refuses phrases that slow readers down, in comments and in Markdown: `npm run lint` runs it over every tracked file.
import { execFileSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { extname } from "node:path";

/** A phrase that is refused, and what to write in its place. */
interface Rule {
  readonly pattern: RegExp;
  readonly advice: string;
}

const rules: readonly Rule[] = [
  {
    pattern: /(?:^|[.;:|] )(?:Who|Whoever|What|Whatever) [a-z]+ (?!.*\?)/,
    advice: "begin with the noun that the sentence is about",
  },
  {
    pattern: /\b(?:nobody|somebody|whoever|whomever)\b/i,
    advice: "name the class, the client or the caller",
  },
  {
    pattern: /(?<!\bthere )\bis no (?!longer\b|more than\b|less than\b)[a-z]/i,
    advice: 'write "is not a"',
  },
  { pattern: /\bmakes? no sense\b/, advice: "name the allowed range" },
];

/** One refused phrase. `line` counts from 1. */
export interface Finding {
  readonly line: number;
  readonly phrase: string;
  readonly advice: string;
}

/** The refused phrases in the comments of a source file, or in the text of a Markdown page. */
export function findBannedPhrases(file: string, text: string): Finding[] {
  const prose = extname(file) === ".md" ? proseOfPage(text) : commentsOf(text);
  return prose.flatMap((line, index) =>
    rules.flatMap(({ pattern, advice }) => {
      const [phrase] = pattern.exec(line) ?? [];
      return phrase === undefined ? [] : [{ line: index + 1, phrase: phrase.trim(), advice }];
    }),
  );
}

/** Each line without code: nothing of a fenced block, and no inline code. */
function proseOfPage(text: string): string[] {
  let isCode = false;
  return text.split("\n").map((line) => {
    if (/^\s*(?:```|~~~)/.test(line)) {
      isCode = !isCode;
      return "";
    }
    return isCode ? "" : withoutMarks(line.replace(/`[^`]*`/g, "x"));
  });
}

/** Each line's comment. Lines without one are empty. */
function commentsOf(text: string): string[] {
  return text.split("\n").map((line) => {
    const comment = /^\s*(?:\/\*\*?|\*(?!\/)|\/\/) ?(.*)$/.exec(line) ?? /\s\/\/ (.*)$/.exec(line);
    return (comment?.[1] ?? "").replace(/`[^`]*`/g, "x").trim();
  });
}

/** A line without the marks of lists, headings, quotes and emphasis before its first word. */
function withoutMarks(line: string): string {
  return line.replace(/^[\s>#*|-]+|^\s*\d+\. /, "").replaceAll("**", "");
}

if (import.meta.filename === process.argv[1]) {
  const patterns = ["*.ts", "*.js", "*.css", "*.md", ":!**/package-lock.json"];
  const files = execFileSync("git", ["ls-files", ...patterns], { encoding: "utf8" })
    .split("\n")
    .filter(Boolean);
  let count = 0;
  for (const file of files) {
    for (const { line, phrase, advice } of findBannedPhrases(file, readFileSync(file, "utf8"))) {
      process.stderr.write(`${file}:${line}: "${phrase}": ${advice}.\n`);
      count += 1;
    }
  }
  if (count > 0) {
    process.stderr.write(`${count} phrases to reword: CONTRIBUTING.md says how we write.\n`);
    process.exitCode = 1;
  }
}
