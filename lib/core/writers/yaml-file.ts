import { closeSync, fsyncSync, mkdirSync, openSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { dirname } from "node:path";

import { RuntimeError } from "../../config/python-errors";
import { writeYaml } from "../../config/yaml/writer";
import { removeDeadTemporaries, temporaryPath } from "../../io/files/temporary";

/**
 * Writes a mapping as a YAML file that Python reads back the same; under a temporary name first.
 *
 * @throws RuntimeError that names the file and the reason
 */
export function writeYamlFile(path: string, content: Readonly<Record<string, unknown>>): void {
  const temporary = temporaryPath(path);
  const text = writeYaml(content);
  try {
    mkdirSync(dirname(path), { recursive: true });
    removeDeadTemporaries(dirname(path));
    const file = openSync(temporary, "wx");
    try {
      writeFileSync(file, text);
      fsyncSync(file);
    } finally {
      closeSync(file);
    }
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
