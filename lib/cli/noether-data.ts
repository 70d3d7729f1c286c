#!/usr/bin/env node
/** `noether-data`: fetches and verifies files. */
import { runIo } from "./io/run-io";

/** Exit code of a process that was interrupted, as a shell knows it. */
const INTERRUPTED = 130;

process.once("SIGINT", () => process.exit(INTERRUPTED));

void runIo(process.argv.slice(2)).then((code) => {
  process.exitCode ||= code;
});
