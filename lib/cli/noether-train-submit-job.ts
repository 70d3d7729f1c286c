#!/usr/bin/env node
import { runCommand } from "./command";
import { submitJob } from "./submit-job";

void runCommand("noether-train-submit-job", () => submitJob(process.argv.slice(2)));
