import { createRequire } from "node:module";

const manifest = createRequire(import.meta.url)("./package.json") as { readonly version: string };

/** The version of this package. The build replaces this file by one that contains the version. */
export const version: string = manifest.version;
