import { mkdirSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { dirname } from "node:path";

import { writeYaml } from "./writer";
import { RuntimeError } from "../python-errors";

/**
 * Writes a mapping as a YAML file that Python reads back the same; under a temporary name first.
 *
 * @throws RuntimeError that names the file and the reason
 */
export function writeYamlFile(path: string, content: Readonly<Record<string, unknown>>): void {
  const temporary = `${path}.tmp-${process.pid}`;
  const text = writeYaml(content);
  try {
    mkdirSync(dirname(path), { recursive: true });
    writeFileSync(temporary, text);
    renameSync(temporary, path);
  } catch (cause) {
    rmSync(temporary, { force: true });
    throw new RuntimeError(
      `cannot write '${path}': ${(cause as Error).message}; a file that was there before is unchanged`,
      {
        cause,
      },
    );
  }
}
