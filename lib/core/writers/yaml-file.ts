import { writeYaml } from "../../config/yaml/writer";
import { writeTextFile } from "./text-file";

/**
 * Writes a mapping as a YAML file that Python reads back the same; complete or not at all.
 *
 * @throws RuntimeError that names the file and the reason
 */
export function writeYamlFile(path: string, content: Readonly<Record<string, unknown>>): void {
  writeTextFile(path, writeYaml(content));
}
