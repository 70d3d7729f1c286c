import { readdir } from "node:fs/promises";
import { join } from "node:path";

/** Folder of the pictures in that of a run. */
export const PICTURES = "pictures";

/** Pictures of a run that belong together, at one update. */
export interface PictureSet {
  /** What they are of: `test/case_7/surface_pressure`. */
  readonly name: string;
  readonly update: number;
  /** Files below the run's folder of pictures by what they show: `predicted`, `true`, `difference`. */
  readonly files: Readonly<Record<string, string>>;
}

/** Name of a picture's file below {@link PICTURES}. The update has its place for sorting. */
export function pictureFile(name: string, update: number, shows: string): string {
  return `${name.split("/").map(fileName).join("/")}/U${String(update).padStart(8, "0")}_${fileName(shows)}.png`;
}

/** {@link pictureFile} of a picture that is called `<name>/<shows>`. */
export function fileOfPicture(picture: string, update: number): string {
  const end = picture.lastIndexOf("/");
  return end < 0
    ? pictureFile(picture, update, "picture")
    : pictureFile(picture.slice(0, end), update, picture.slice(end + 1));
}

function fileName(text: string): string {
  return text.replace(/[^\w.=-]/g, "_").replace(/^\.+/, "_") || "_";
}

const FILE = /^U(\d+)_(.+)\.png$/;

/** The pictures that a run has stored, by name and then update. Symbolic links are not followed. */
export async function readPictures(run: string): Promise<PictureSet[]> {
  const root = join(run, PICTURES);
  const entries = await readdir(root, { recursive: true, withFileTypes: true }).catch(() => []);
  const sets = new Map<string, { name: string; update: number; files: Record<string, string> }>();
  for (const entry of entries) {
    const match = entry.isFile() ? FILE.exec(entry.name) : null;
    if (match === null) continue;
    const folder = entry.parentPath ?? entry.path;
    const name = folder.slice(root.length + 1).replaceAll("\\", "/");
    const key = `${name}\n${match[1]}`;
    const set = sets.get(key) ?? { name, update: Number(match[1]), files: {} };
    set.files[match[2]!] = name === "" ? entry.name : `${name}/${entry.name}`;
    sets.set(key, set);
  }
  return [...sets.values()].sort(
    (a, b) => a.name.localeCompare(b.name, "en", { numeric: true }) || a.update - b.update,
  );
}
