import { sanitize } from "../../io";

/** A line on standard error without secrets, red on a terminal. */
export function printError(text: string): void {
  const clean = sanitize(text);
  process.stderr.write(process.stderr.isTTY ? `\u001b[31m${clean}\u001b[0m\n` : `${clean}\n`);
}
