import { readdirSync, readFileSync } from "node:fs";
import { extname, join } from "node:path";

const types: Readonly<Record<string, string>> = {
  ".css": "text/css; charset=utf-8",
  ".html": "text/html; charset=utf-8",
  ".js": "text/javascript; charset=utf-8",
  ".json": "application/json",
  ".map": "application/json",
  ".png": "image/png",
  ".svg": "image/svg+xml",
};

export interface PageFile {
  readonly content: Buffer;
  readonly type: string;
}

/**
 * Returns a function that finds a file of `folder` by the path of its URL.
 *
 * @param isCached whether the folder is read once. Otherwise it is read for each request, which is slow.
 */
export function pageFiles(
  folder: string,
  { isCached }: { isCached: boolean },
): (path: string) => PageFile | undefined {
  const read = () => {
    const files = readdirSync(folder).map((name): [path: string, file: PageFile] => {
      const type = types[extname(name)] ?? "application/octet-stream";
      return [`/${name}`, { content: readFileSync(join(folder, name)), type }];
    });
    return new Map(files);
  };
  const cached = isCached ? read() : undefined;
  return (path) => (cached ?? read()).get(path === "/" ? "/index.html" : path);
}
