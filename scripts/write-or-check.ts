import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";

/** Writes a generated page; with `--check` on the command line it says instead when the page is another, by message and exit code. */
export function writeOrCheck(page: string, text: string): void {
  const path = join(__dirname, "..", page);
  if (!process.argv.includes("--check")) {
    writeFileSync(path, text);
    console.log(`wrote ${page}`);
  } else if (readFileSync(path, "utf8") !== text) {
    console.error(`${page} is not up to date: run npm run generate`);
    process.exitCode = 1;
  }
}
