import { mkdirSync, mkdtempSync, readdirSync, rmSync } from "node:fs";
import { rename } from "node:fs/promises";
import { dirname, join, resolve } from "node:path";
import { FileNotFoundError } from "../../../config/python-errors";
import { getLogger } from "../../../core/logging";
import { expandUser } from "../../../core/providers/expand-user";
import { pathBelow } from "../../../io/files/safe-path";
import { temporaryPath } from "../../../io/files/temporary";
import { openFile } from "../../readers/byte-source";
import { extractZipEntry, zipEntries } from "../../readers/zip";
import { isFolder } from "./sample-file";

const RUN = /^run_\d+$/;

/**
 * Fetches the wings of Emmi-Wing that are on Hugging Face (`scans.zip` of `EmmiAI/Emmi-Wing`) and unpacks them to `run_<id>` in a
 * folder. Runs that are there are kept; one appears when it is complete. An interrupted call goes on where it was.
 *
 * @param expected runs with which there is nothing left to do
 * @returns the folder
 * @throws FileNotFoundError when the archive has no runs
 */
export async function downloadEmmiWing(localDir: string, expected: number): Promise<string> {
  const folder = resolve(expandUser(localDir));
  if (isFolder(folder) && readdirSync(folder).filter((name) => RUN.test(name)).length >= expected) return folder;
  const { fetchHuggingfaceFile } = await import("../../../io");
  const archive = await fetchHuggingfaceFile("EmmiAI/Emmi-Wing", "scans.zip", folder, { repoType: "dataset" });
  await unpackRuns(archive, folder);
  rmSync(archive);
  return folder;
}

/** Unpacks the `run_<id>.zip` of an archive, wherever they are in it. */
async function unpackRuns(archive: string, folder: string): Promise<void> {
  const source = openFile(archive);
  // beside the runs, so that they are renamed and not copied
  const unpacked = mkdtempSync(join(folder, ".unpacking-"));
  try {
    const runs = zipEntries(source).flatMap((entry) => {
      const run = /(?:^|\/)(run_\d+)\.zip$/.exec(entry.name)?.[1];
      return run === undefined ? [] : [{ entry, run }];
    });
    if (runs.length === 0) throw new FileNotFoundError(`expected run_<id>.zip in ${archive}, but there is none`);
    for (const [done, { entry, run }] of runs.entries()) {
      if (isFolder(join(folder, run))) continue;
      const inner = join(unpacked, `${run}.zip`);
      await extractZipEntry(entry, source, inner);
      await unpackRun(inner, run, join(folder, run));
      rmSync(inner);
      getLogger("EmmiWingHFDataset").info(`${run}: ${done + 1} of ${runs.length}`);
    }
  } finally {
    source.close();
    rmSync(unpacked, { recursive: true, force: true });
  }
}

async function unpackRun(archive: string, run: string, target: string): Promise<void> {
  const source = openFile(archive);
  const temporary = temporaryPath(target);
  try {
    mkdirSync(temporary);
    const files = zipEntries(source).filter(({ name }) => !name.endsWith("/"));
    // archives of a folder, and of its files
    const prefix = files.every(({ name }) => name.startsWith(`${run}/`)) ? `${run}/` : "";
    for (const entry of files) {
      const path = pathBelow(temporary, entry.name.slice(prefix.length));
      mkdirSync(dirname(path), { recursive: true });
      await extractZipEntry(entry, source, path);
    }
    await rename(temporary, target);
  } finally {
    source.close();
    rmSync(temporary, { recursive: true, force: true });
  }
}
