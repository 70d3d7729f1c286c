import { readFileSync } from "node:fs";
import { join } from "node:path";
import { getLogger } from "../../core/logging/logger";
import { writeTextFile } from "../../core/writers/text-file";

/** Runs that somebody marked, kept in `.dashboard.json` beside the runs. Where that folder cannot be written they last as long as the server. */
export class Stars {
  readonly #path: string;
  readonly #ids: Set<string>;
  #isWarned = false;

  constructor(root: string) {
    this.#path = join(root, ".dashboard.json");
    this.#ids = new Set(read(this.#path));
  }

  has(id: string): boolean {
    return this.#ids.has(id);
  }

  set(id: string, starred: boolean): void {
    if (starred) this.#ids.add(id);
    else this.#ids.delete(id);
    try {
      writeTextFile(this.#path, `${JSON.stringify({ starred: [...this.#ids].sort() }, null, 2)}\n`);
    } catch (error) {
      if (!this.#isWarned) getLogger("dashboard").warning(`marked runs are not kept: ${(error as Error).message}`);
      this.#isWarned = true;
    }
  }
}

function read(path: string): string[] {
  try {
    const { starred } = JSON.parse(readFileSync(path, "utf8")) as { starred: unknown };
    return Array.isArray(starred) ? starred.filter((id): id is string => typeof id === "string") : [];
  } catch {
    return [];
  }
}
