import { mkdirSync, renameSync, writeFileSync } from "node:fs";
import { dirname } from "node:path";

import { writeYaml } from "../config/yaml-writer";

/** Writes a mapping as a YAML file that Python reads back the same; under a temporary name first. */
export function writeYamlFile(path: string, content: Readonly<Record<string, unknown>>): void {
  mkdirSync(dirname(path), { recursive: true });
  const temporary = `${path}.tmp-${process.pid}`;
  writeFileSync(temporary, writeYaml(content));
  renameSync(temporary, path);
}
