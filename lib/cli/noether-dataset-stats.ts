#!/usr/bin/env node
import { runCommand } from "./command";
import { datasetStats } from "./dataset-stats";

void runCommand("noether-dataset-stats", () => datasetStats(process.argv.slice(2)));
