import { existsSync } from "node:fs";
import { mkdir, mkdtemp, rename, rm, writeFile } from "node:fs/promises";
import { createRequire } from "node:module";
import { tmpdir } from "node:os";
import { delimiter, join } from "node:path";
import { type Browser, chromium, type LaunchOptions } from "playwright-core";

export interface BrowserOptions {
  /**
   * Prefers an installed browser to the browser from npm. The browser from npm starts and draws with half the
   * CPU, and is the same on every machine.
   *
   * @default `true` if `SPEC_BROWSER=installed` is set, else `false`
   */
  readonly installed?: boolean;
  /** Whether the browser keeps pages that are left, in its back/forward cache. @default false */
  readonly isKeepingPages?: boolean;
}

interface Candidate {
  readonly name: string;
  options(): LaunchOptions | Promise<LaunchOptions>;
}

const args = ["--no-sandbox", "--disable-gpu", "--disable-background-networking"];
const commands = ["chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "chrome"];
const macApps = [
  "/Applications/Google Chrome.app/Contents/MacOS/Google Chrome",
  "/Applications/Chromium.app/Contents/MacOS/Chromium",
];

/**
 * Starts a headless Chromium: the one at `CHROME_PATH`, if that is set. Otherwise tries several: on Linux the
 * browser in `@sparticuz/chromium`, which needs no system libraries, and the installed browsers (first, if
 * `installed` is true). `close()` ends all processes of the browser.
 *
 * @throws an error that lists the attempts and the remedy.
 */
export async function launchBrowser(options: BrowserOptions = {}): Promise<Browser> {
  const failures: string[] = [];
  for (const candidate of candidates(options)) {
    try {
      return await chromium.launch({
        args,
        ignoreDefaultArgs: options.isKeepingPages ? ["--disable-back-forward-cache"] : [],
        ...(await candidate.options()),
      });
    } catch (error) {
      failures.push(`- ${candidate.name}: ${String(error).split("\n", 1)[0]}`);
    }
  }
  throw new Error(
    ["No browser starts. Install Chromium or Chrome, or name one in CHROME_PATH. Tried:", ...failures].join(
      "\n",
    ),
  );
}

function candidates({ installed = process.env.SPEC_BROWSER === "installed" }: BrowserOptions): Candidate[] {
  const named = process.env.CHROME_PATH;
  if (named) return [executable(named)];
  const found = installedBrowsers().map(executable);
  if (process.platform !== "linux") return found;
  return installed ? [...found, fromNpm] : [fromNpm, ...found];
}

function executable(path: string): Candidate {
  return { name: path, options: () => ({ executablePath: path }) };
}

/**
 * All existing commands are candidates, because a command may exist and not start: Ubuntu has a placeholder
 * for the snap.
 */
function installedBrowsers(): string[] {
  const folders = (process.env.PATH ?? "").split(delimiter).filter(Boolean);
  const onPath = folders.flatMap((folder) => commands.map((command) => join(folder, command)));
  return [...onPath, ...(process.platform === "darwin" ? macApps : [])].filter((path) => existsSync(path));
}

const fromNpm: Candidate = {
  name: "@sparticuz/chromium",
  async options() {
    const folder = await unpack();
    const libraries = [join(folder, "al2023", "lib"), process.env.LD_LIBRARY_PATH].filter(Boolean).join(":");
    return {
      executablePath: join(folder, "chromium"),
      env: { ...process.env, LD_LIBRARY_PATH: libraries, FONTCONFIG_PATH: join(folder, "fonts") },
    };
  },
};

/**
 * Unpacks the browser, its fonts and its libraries once per machine and version. The package would accept
 * partial files of an earlier run. Therefore it unpacks into a temporary folder, which is renamed at the end.
 */
async function unpack(): Promise<string> {
  if (process.arch !== "x64") throw new Error(`it is built for x64 only, and this is ${process.arch}`);
  const { default: packed } = await import("@sparticuz/chromium");
  const folder = join(tmpdir(), `greenroom-chromium-${process.getuid?.()}-${packedVersion()}`);
  if (existsSync(folder)) return folder;
  await mkdir(tmpdir(), { recursive: true });
  const unfinished = await mkdtemp(`${folder}-`);
  try {
    // The package reads both variables. AWS_LAMBDA_JS_RUNTIME makes it unpack its libraries, too.
    await withEnvironment({ TMPDIR: unfinished, AWS_LAMBDA_JS_RUNTIME: "nodejs20.x" }, () =>
      packed.executablePath(),
    );
    await writeFile(join(unfinished, "fonts", "fonts.conf"), fontsConf(folder));
    await rename(unfinished, folder);
  } catch (error) {
    await rm(unfinished, { recursive: true, force: true });
    if (!existsSync(folder)) throw error; // if the folder exists, another process was faster
  }
  return folder;
}

/** The package's own file always names /tmp/fonts. Without fonts, pages crash in Chromium. */
function fontsConf(folder: string): string {
  const directories = `<dir>${join(folder, "fonts")}</dir><cachedir>${join(folder, "fonts-cache")}</cachedir>`;
  return `<?xml version="1.0"?><!DOCTYPE fontconfig SYSTEM "fonts.dtd"><fontconfig>${directories}</fontconfig>\n`;
}

function packedVersion(): string {
  // The package does not export its package.json, which is two folders above its main file.
  const require = createRequire(import.meta.url);
  const { version } = require(join(require.resolve("@sparticuz/chromium"), "../../../package.json")) as {
    version: string;
  };
  return version;
}

async function withEnvironment<T>(changes: Record<string, string>, work: () => Promise<T>): Promise<T> {
  const before = { ...process.env };
  Object.assign(process.env, changes);
  try {
    return await work();
  } finally {
    for (const name of Object.keys(changes)) {
      const value = before[name];
      if (value === undefined) delete process.env[name];
      else process.env[name] = value;
    }
  }
}
