import { readFileSync } from "node:fs";

/** What is used of h5wasm to write. */
interface H5Writer {
  readonly ready: Promise<unknown>;
  readonly File: new (path: string, mode: "w") => H5Group & { close(): void };
}
interface H5Group {
  get(name: string): H5Group | null;
  create_group(name: string): H5Group;
  create_dataset(args: { name: string; data: unknown; shape: number[] }): unknown;
}

/** Writes arrays to an HDF5 file by their paths, and returns its bytes. */
export async function writeHdf5(
  path: string,
  arrays: Record<string, { values: Float32Array | Float64Array; shape: number[] }>,
): Promise<Buffer> {
  const module = (await import("h5wasm/node" as string)) as H5Writer;
  await module.ready;
  const file = new module.File(path, "w");
  for (const [name, { values, shape }] of Object.entries(arrays)) {
    const parts = name.split("/");
    const group = file.get(parts[0]!) ?? file.create_group(parts[0]!);
    group.create_dataset({ name: parts[1]!, data: values, shape });
  }
  file.close();
  return readFileSync(path);
}
