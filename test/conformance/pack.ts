/**
 * Packs what `record.py OUT --small` wrote into the two files that `stored.test.ts` reads.
 *
 * usage: tsx test/conformance/pack.ts OUT
 */
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { gzipSync } from "node:zlib";
import { recordings } from "./recordings";

const parts: Uint8Array[] = [];
let at = 0;
const packed = [...recordings(process.argv[2]!)].map(({ recording, bytes }) => {
  const samples = recording.samples.map((sample) => ({ ...sample, at: sample.at + at }));
  parts.push(bytes);
  at += bytes.length;
  return { ...recording, samples };
});
const write = (name: string, data: Uint8Array | string) => {
  const file = gzipSync(data, { level: 9 });
  writeFileSync(join(__dirname, name), file);
  console.log(`${name}: ${(file.length / 1e6).toFixed(2)} MB`);
};
write("samples.json.gz", JSON.stringify(packed));
write("samples.bin.gz", Buffer.concat(parts));
console.log(`${packed.length} operators, ${packed.reduce((sum, each) => sum + each.samples.length, 0)} samples`);
