// Chromium for the test: the one at CHROME_PATH, or the one in the package @sparticuz/chromium, which is for Linux on x64.
import { type Browser, chromium } from "playwright-core";

export async function launchBrowser(): Promise<Browser> {
  return chromium.launch({
    executablePath: process.env.CHROME_PATH ?? (await fromPackage()),
    args: ["--no-sandbox", "--disable-gpu", "--disable-background-networking"],
  });
}

async function fromPackage(): Promise<string> {
  // The package reads the variable while it is loaded, and brings its own system libraries and fonts then.
  process.env.AWS_LAMBDA_JS_RUNTIME ??= "nodejs20.x";
  const { default: packed } = await import("@sparticuz/chromium");
  return packed.executablePath();
}
