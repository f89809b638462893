export interface CodeBlock {
  /** The word after the fence: `ts`, `sh`, `text`. */
  readonly language: string;
  readonly code: string;
  /** The file name in the comment of the first line, if there is one. */
  readonly file: string | undefined;
}

export function codeBlocks(markdown: string): CodeBlock[] {
  return [...markdown.matchAll(/^```(\w+)\n(.*?)^```$/gms)].map(([, language = "", code = ""]) => ({
    language,
    code,
    file: /^(?:\/\/|<!--) ([\w.-]+\.\w+)(?: -->)?\n/.exec(code)?.[1],
  }));
}
