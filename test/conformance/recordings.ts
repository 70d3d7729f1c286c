/** Reads what `record.py` wrote. */
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { gunzipSync } from "node:zlib";
import type { Recording } from "./trace";

/** The recordings of a folder, one after another: together they can be larger than memory. */
export function* recordings(folder: string): Generator<{ recording: Recording; bytes: Uint8Array }> {
  for (const name of readdirSync(folder).sort()) {
    if (!name.endsWith(".json")) continue;
    const recording = JSON.parse(readFileSync(join(folder, name), "utf8")) as Recording;
    yield { recording, bytes: readFileSync(join(folder, name.replace(/json$/, "bin"))) };
  }
}

/** The sample that the repository holds, packed by `pack.ts`: of each operator the smallest samples, all in one `bytes`. */
export function storedRecordings(): { recordings: Recording[]; bytes: Uint8Array } {
  const read = (name: string) => gunzipSync(readFileSync(join(__dirname, name)));
  return { recordings: JSON.parse(read("samples.json.gz").toString()) as Recording[], bytes: read("samples.bin.gz") };
}
