#!/usr/bin/env node
import { runCommand } from "./command";
import { init } from "./init";

void runCommand("noether-init", async () => init(process.argv.slice(2)));
