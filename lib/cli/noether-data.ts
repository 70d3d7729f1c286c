#!/usr/bin/env node
/** `noether-data`: fetches and verifies files. */
import { runIo } from "./io/run-io";
import { keepHeapSmall } from "./io/small-heap";

/** Exit code of a process that was interrupted, as a shell knows it. */
const INTERRUPTED = 130;

keepHeapSmall();
process.once("SIGINT", () => process.exit(INTERRUPTED));

void runIo(process.argv.slice(2)).then((code) => {
  process.exitCode ||= code;
});
