import { createHash } from "node:crypto";
import { mkdirSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { save, scope, tensor } from "../../../../lib/torch";

let folder = "";
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "cfd-"));
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

/** An empty folder of this test. */
export function testFolder(): string {
  return folder;
}

/** The name of a field's file, and `1` where it has a number for each point, `3` where it has a vector. */
export type Layout = Readonly<Record<string, 1 | 3>>;

/** Values of a field of a written sample: `first`, `first + 1`, … */
export function rows(first: number, points: number, channels: 1 | 3): number[][] {
  return Array.from({ length: points }, (_, i) => Array.from({ length: channels }, (_, c) => first + i * channels + c));
}

/** Writes a sample: files of the layout with 2 points on the surface and 3 in the volume. */
export function writeSample(path: string, layout: Layout, first: number): void {
  mkdirSync(path, { recursive: true });
  scope(() => {
    for (const [name, channels] of Object.entries(layout)) {
      const data = rows(first, name.startsWith("surface") ? 2 : 3, channels);
      save(tensor(channels === 1 ? data.flat() : data), join(path, name));
    }
  });
}

/** Size, smallest, largest, sum, and the beginning of the SHA-256 of ids joined by commas. */
export function summary(ids: readonly number[]): unknown[] {
  const sum = ids.reduce((total, id) => total + id, 0);
  return [ids.length, Math.min(...ids), Math.max(...ids), sum, digest(ids)];
}

export function digest(ids: readonly (number | string)[]): string {
  return createHash("sha256").update(ids.join(",")).digest("hex").slice(0, 16);
}
