import { createHash } from "node:crypto";
import { homedir } from "node:os";
import { join } from "node:path";

/** Where checkpoints go unless it is said: `NOETHER_CHECKPOINT_CACHE`, else `~/.cache/emmi/checkpoints`, as in the Python framework. */
export function defaultCacheDir(): string {
  return process.env["NOETHER_CHECKPOINT_CACHE"] || join(homedir(), ".cache", "emmi", "checkpoints");
}

/** The last suffix of a name, as Python's `pathlib` sees it: `.gz` of `a.tar.gz`, none of `.bashrc` and `a.`. */
function suffixesOf(name: string): string[] {
  const bare = name.replace(/^\.+/, "");
  if (name.endsWith(".") || !bare.includes(".")) return [];
  return bare
    .split(".")
    .slice(1)
    .map((part) => `.${part}`);
}

/** Folder and file names for the name of a checkpoint: `my model (1).pt` is in `my_model_1` as `my_model_1.pt`. */
export function layoutOf(hint: string): { readonly base: string; readonly file: string } {
  const name =
    hint
      .split("/")
      .filter((part) => part !== "")
      .at(-1) ?? "";
  const suffixes = suffixesOf(name);
  let stem = name;
  for (const suffix of suffixes) if (stem.endsWith(suffix)) stem = stem.slice(0, -suffix.length);
  const base = stem.replace(/[^A-Za-z0-9._-]+/g, "_").replace(/^[._-]+|[._-]+$/g, "") || "checkpoint";
  return { base, file: `${base}${suffixes.at(-1) ?? ""}` };
}

/** Where a checkpoint and what is known of it go. */
export interface CheckpointPlace {
  readonly folder: string;
  readonly file: string;
  readonly metadata: string;
}

/**
 * @param identity tells this checkpoint from others of the same name; null: the layout of the Python framework, where one
 *   replaces the other
 */
export function placeOf(cacheDir: string, hint: string, identity: string | null): CheckpointPlace {
  const { base, file } = layoutOf(hint);
  const id = identity === null ? "" : `-${createHash("sha256").update(identity).digest("hex").slice(0, 16)}`;
  const folder = join(cacheDir, `${base.slice(0, 150)}${id}`);
  // a checkpoint may be called like the file of what is known
  const metadata = join(folder, file === "meta.json" ? "meta.meta.json" : "meta.json");
  return { folder, file: join(folder, file), metadata };
}
