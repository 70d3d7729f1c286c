#!/usr/bin/env node
import { runCommand } from "./command";
import { development } from "./development";

void runCommand("noether-development", () => development(process.argv.slice(2)));
