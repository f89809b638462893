/** A fenced block of a page. */
export interface CodeBlock {
  /** What stands after the fence: `ts`, `sh`, `text`. */
  readonly language: string;
  readonly code: string;
  /** The name of the file that the block is, if its first line says one in a comment. */
  readonly file: string | undefined;
}

/** The fenced blocks of a page in Markdown, in their order. */
export function codeBlocks(markdown: string): CodeBlock[] {
  return [...markdown.matchAll(/^```(\w+)\n(.*?)^```$/gms)].map(([, language = "", code = ""]) => ({
    language,
    code,
    file: /^(?:\/\/|<!--) ([\w.-]+\.\w+)(?: -->)?\n/.exec(code)?.[1],
  }));
}
