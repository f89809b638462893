// Installs the packages of the given folder, unless they are installed.
import { execSync } from "node:child_process";
import { existsSync } from "node:fs";

const [folder = "."] = process.argv.slice(2);
if (!existsSync(`${folder}/node_modules`)) execSync("npm ci", { cwd: folder, stdio: "inherit" });
