// Refuses phrases that slow readers down in comments and Markdown. `npm run lint` checks every tracked file.
import { execFileSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { extname } from "node:path";

/** A refused phrase, and advice on how to reword it. */
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

/** An occurrence of a refused phrase. The first line has the number 1. */
export interface Finding {
  readonly line: number;
  readonly phrase: string;
  readonly advice: string;
}

/** Finds the refused phrases in the comments of a source file, or in the text of a Markdown page. */
export function findBannedPhrases(file: string, text: string): Finding[] {
  const prose = extname(file) === ".md" ? proseOfPage(text) : commentsOf(text);
  return prose.flatMap((line, index) =>
    rules.flatMap(({ pattern, advice }) => {
      const [phrase] = pattern.exec(line) ?? [];
      return phrase === undefined ? [] : [{ line: index + 1, phrase: phrase.trim(), advice }];
    }),
  );
}

/** The lines of a page. Lines of fenced blocks are empty, and inline code is replaced by `x`. */
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

/** The comment of each line; empty for a line without a comment. */
function commentsOf(text: string): string[] {
  return text.split("\n").map((line) => {
    const comment = /^\s*(?:\/\*\*?|\*(?!\/)|\/\/) ?(.*)$/.exec(line) ?? /\s\/\/ (.*)$/.exec(line);
    return (comment?.[1] ?? "").replace(/`[^`]*`/g, "x").trim();
  });
}

/** Removes the marks of lists, headings, quotes and bold text, so that a line begins with its first word. */
function withoutMarks(line: string): string {
  return line.replace(/^[\s>#*|-]+|^\s*\d+\. /, "").replaceAll("**", "");
}

if (import.meta.filename === process.argv[1]) {
  // A user's text, which is kept as it is.
  const patterns = [
    "*.ts",
    "*.js",
    "*.css",
    "*.md",
    ":!**/package-lock.json",
    ":!spec/types/contracts/use.ts",
  ];
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
