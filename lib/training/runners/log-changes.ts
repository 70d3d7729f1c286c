import { summarizeChanges, type ConfigChange } from "../../config";
import { getLogger } from "../../core/logging";

/** Tells what the config had in the form of release 1.1, and in which files: short, since copies of one line are one. */
export function logChanges(changes: readonly ConfigChange[]): void {
  const logger = getLogger("config");
  const infos = summarizeChanges(changes.filter(({ severity }) => severity === "info"));
  if (infos.length > 0) {
    logger.info(
      `read ${infos.length === 1 ? "a key" : `${infos.length} keys`} of release 1.1 (docs/migrating-from-python.md):\n${infos.map((line) => `  ${line}`).join("\n")}`,
    );
  }
  for (const line of summarizeChanges(changes.filter(({ severity }) => severity === "warning"))) logger.warning(line);
}
