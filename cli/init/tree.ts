/** Draws the tree of `paths`, indented by two spaces for each folder. */
export function tree(paths: readonly string[]): string {
  const lines: string[] = [];
  let shown: readonly string[] = [];
  for (const path of [...paths].sort()) {
    const folders = path.split("/").slice(0, -1);
    for (const [depth, folder] of folders.entries())
      if (shown[depth] !== folder) lines.push(`${"  ".repeat(depth)}${folder}/`);
    lines.push(`${"  ".repeat(folders.length)}${path.split("/").at(-1)}`);
    shown = folders;
  }
  return lines.map((line) => `  ${line}\n`).join("");
}
