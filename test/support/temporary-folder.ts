import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

/** A folder of its own for every test of the file, removed after it. */
export function temporaryFolder(): { readonly path: string; readonly at: (...parts: string[]) => string } {
  let path = "";
  beforeEach(() => (path = mkdtempSync(join(tmpdir(), "noether-io-"))));
  afterEach(() => rmSync(path, { recursive: true, force: true }));
  return {
    get path() {
      return path;
    },
    at: (...parts) => join(path, ...parts),
  };
}
