/** Where predictions go: what is wrong with it shows before the work begins. */
import { accessSync, constants, existsSync, realpathSync } from "node:fs";
import { dirname, extname, join } from "node:path";
import { FileExistsError, FileNotFoundError, ValueError } from "../config/python-errors";
import { parseDomainFile, type CaseOptions } from "../inference/cases/case-options";
import { caseName } from "../inference/cases/read-case";
import { isFolder } from "./is-folder";

/** Files and folders that a prediction writes; of several cases all but the summary are folders. */
export interface PredictionTargets {
  readonly output: string | undefined;
  readonly summary: string | undefined;
  readonly png: string | undefined;
  readonly html: string | undefined;
  /** Of pictures; undefined: the first output of the body. */
  readonly field: string | undefined;
}

/**
 * Makes sure that everything can be written, and that nothing of the cases is replaced.
 *
 * @throws FileNotFoundError for folders that are not there, FileExistsError for a file in place of a folder or the other way round,
 * ValueError for files of a case and for cases of the same name
 */
export function checkTargets(
  { output, summary, png, html }: PredictionTargets,
  inputs: readonly string[],
  { domains = {} }: Pick<CaseOptions, "domains">,
): void {
  const isMany = inputs.length > 1;
  const names = inputs.map(caseName);
  const twice = names.find((name, i) => names.indexOf(name) !== i);
  if (twice !== undefined && [output, png, html].some((path) => path !== undefined))
    throw new ValueError(
      `expected cases of different names, since their results have them; "${twice}" is there several times`,
    );
  if (output !== undefined) checkTarget(output, isMany || extname(output) === "" || isFolder(output));
  for (const path of [png, html]) if (path !== undefined) checkTarget(path, isMany);
  if (summary !== undefined) checkTarget(summary, false);
  const sources = [...inputs, ...Object.values(domains).map((text) => parseDomainFile(text).path)];
  for (const path of [output, png, html, summary]) if (path !== undefined) refuseSource(path, sources);
}

function checkTarget(path: string, wantsFolder: boolean): void {
  const parent = dirname(join(path, "."));
  if (wantsFolder && existsSync(path)) {
    if (!isFolder(path)) throw new FileExistsError(`${path}: expected a folder, got a file; choose another name`);
    return checkWritable(path);
  }
  if (!existsSync(parent))
    throw new FileNotFoundError(`${path}: expected an existing folder, got ${parent}; create it first`);
  if (!isFolder(parent)) throw new FileExistsError(`${path}: expected a folder, got the file ${parent}`);
  if (isFolder(path)) throw new FileExistsError(`${path}: expected the name of a file, got a folder`);
  checkWritable(parent);
}

function checkWritable(folder: string): void {
  try {
    accessSync(folder, constants.W_OK);
  } catch (error) {
    throw new ValueError(`${folder}: expected a folder that can be written to: ${(error as Error).message}`, {
      cause: error,
    });
  }
}

/** @throws ValueError for a file that is a case, or in the folder of one */
export function refuseSource(path: string, sources: readonly string[]): void {
  if (!existsSync(path)) return;
  const real = realpathSync(path);
  const isOwn = sources.filter(existsSync).some((source) => {
    const own = realpathSync(source);
    return real === own ? !isFolder(own) : isFolder(own) && !isFolder(real) && dirname(real) === own;
  });
  if (isOwn) throw new ValueError(`${path}: expected a new file, got one of the case itself; choose another name`);
}
