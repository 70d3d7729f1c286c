/** `noether-ts data inspect`: what a file, an OpenFOAM case or a folder of cases holds, a config for it, and a picture. */
import { statSync } from "node:fs";
import { basename, extname, resolve } from "node:path";
import { FileNotFoundError, ValueError } from "../config/python-errors";
import { statusLine } from "../core/logging/terminal";
import { layoutOf, type Layout } from "../data/inspect/layout";
import { isReadable, readContents, type LoadedContents } from "../data/inspect/contents";
import { readFolder, type FolderContents } from "../data/inspect/folder";
import { pictureParts, writePicture, type PicturePart } from "../data/inspect/picture";
import { proposeConfig } from "../data/inspect/proposal";
import { EXIT, printResult } from "./command";
import { contentsReport, folderReport, heading } from "./data-inspect-report";
import { UsageError } from "./hydra-arguments";
import { commandLine, flag, integer, parsed, printHelp, readCommandLine, refuseNothing, text } from "./options";

const COMMAND = commandLine({
  usage: ["noether-ts data inspect PATH [options]"],
  about: `Prints what PATH holds: a file, an OpenFOAM case, or a folder of cases. Fields
with their place, shape, type, range, mean, NaN and infinite values; patches,
blocks, cells by kind, extent, units where the file tells them, times; where
cases differ from each other; and the config of a FolderDataset for them.`,
  sections: [
    {
      title: "Options:",
      options: {
        json: flag({ does: "the same for programs" }),
        html: text({
          value: "FILE",
          does: "also writes a picture that any browser opens, offline: points and surfaces coloured by a field (of the first case)",
        }),
        points: integer({ value: "N", least: 1, default: 60_000, does: "most points that are drawn of a part" }),
        cases: parsed(
          {
            ...{ value: "N|all", default: 10, expected: "all, or a whole number of at least 1" },
            does: "most cases of a folder that are read, spread over all",
          },
          (given) => (given === "all" ? Infinity : /^[1-9]\d*$/.test(given) ? Number(given) : undefined),
        ),
        time: parsed(
          {
            ...{ value: "TIME", default: "last", expected: "first, last or a number" },
            does: "of a transient case: first, last or a number",
          },
          timeOf,
        ),
      },
    },
  ],
  end: "Exit codes: 0 done, 1 failed (also where a file cannot be read), 2 bad usage.",
});

/** Runs the command; returns the exit code. */
export async function dataInspect(args: readonly string[]): Promise<number> {
  const read = readCommandLine(COMMAND, args);
  if (read === "help") return printHelp(COMMAND);
  const { values, words } = read;
  const [path, ...others] = words;
  if (path === undefined) return refuseNothing(COMMAND);
  if (others.length > 0) throw new UsageError(`expected one path, received ${words.length}: ${words.join(" ")}`);
  const settings = {
    json: values.json,
    html: htmlPath(values.html, path),
    mostPoints: values.points,
    mostCases: values.cases,
    time: values.time,
  };
  try {
    return await inspect(path, settings);
  } finally {
    statusLine.hide();
  }
}

interface Settings {
  readonly json: boolean;
  readonly html: string | undefined;
  readonly mostPoints: number;
  readonly mostCases: number;
  readonly time: number | "first" | "last";
}

async function inspect(path: string, settings: Settings): Promise<number> {
  const parts: PicturePart[] = [];
  const keep = (name: string, { mesh }: LoadedContents): void => {
    if (settings.html !== undefined && mesh) parts.push(...pictureParts(name, mesh));
  };
  const layout = folderLayout(path);
  const width = process.stdout.isTTY ? (process.stdout.columns ?? 80) : Infinity;
  let exitCode: number = EXIT.ok;
  let about = "";
  if (layout === undefined) {
    showProgress(path, 1, 1);
    const loaded = await readContents(path, settings);
    keep(nameOf(path), loaded);
    about = heading(loaded.contents);
    const proposal = proposeConfig(asFolder(path, loaded));
    if (settings.json) printJson({ ...loaded.contents, proposal });
    else printReport(contentsReport(loaded.contents, width), proposal);
  } else {
    const folder = await readFolder(path, layout, { ...settings, onFile: showProgress, onFirstCase: keep });
    about = `${folder.read[0]?.name ?? ""}, one of ${folder.cases.length} cases`;
    const proposal = proposeConfig(folder);
    if (settings.json) printJson({ ...folder, proposal });
    else printReport(folderReport(folder, width), proposal);
    if (folder.problems.length > 0) exitCode = EXIT.failed;
  }
  if (settings.html !== undefined) {
    writePicture(settings.html, parts, { title: nameOf(path), about, mostPoints: settings.mostPoints });
    process.stderr.write(`wrote ${settings.html}\n`);
  }
  return exitCode;
}

/** The cases of a folder; undefined for a path that is read as a whole. */
function folderLayout(path: string): Layout | undefined {
  const status = statSync(path, { throwIfNoEntry: false });
  if (!status) throw new FileNotFoundError(`${path}: expected a file or folder, got nothing of that name`);
  if (!status.isDirectory() || isReadable(path)) return undefined;
  const layout = layoutOf(path);
  if (layout !== undefined) return layout;
  throw new ValueError(
    `${path}: expected files of a format that is read here, OpenFOAM cases, or folders with such, got none`,
  );
}

/** A file alone, as a folder of one case, so that a config can be proposed for it. */
function asFolder(path: string, { contents }: LoadedContents): FolderContents {
  const isFolder = statSync(path).isDirectory();
  const name = isFolder ? "." : "{case}";
  return {
    path,
    pattern: null,
    casesAreFiles: !isFolder,
    cases: [nameOf(path)],
    files: { [name]: 1 },
    incomplete: [],
    empty: [],
    read: [{ name: nameOf(path), files: { [name]: contents } }],
    beside: [],
    differences: [],
    problems: [],
  };
}

function nameOf(path: string): string {
  const name = basename(resolve(path));
  return name.slice(0, name.length - extname(name).length) || name;
}

function printReport(report: string, proposal: string | undefined): void {
  statusLine.hide();
  const config =
    proposal === undefined
      ? "\nNo data set is proposed: that takes a mesh, or an array of positions (N, 3).\n"
      : `\nA data set for it, to be adapted:\n\n${proposal}`;
  printResult(`${report}${config}`);
}

function printJson(value: object): void {
  statusLine.hide();
  printResult(`${JSON.stringify(value, null, 2)}\n`);
}

function showProgress(path: string, number: number, total: number): void {
  if (process.stderr.isTTY) statusLine.show(`reading ${total > 1 ? `${number}/${total} ` : ""}${path}`);
}

function timeOf(given: string): number | "first" | "last" | undefined {
  if (given === "first" || given === "last") return given;
  return given.trim() !== "" && Number.isFinite(Number(given)) ? Number(given) : undefined;
}

/** @throws UsageError where the picture would replace what is inspected */
function htmlPath(html: string | undefined, path: string): string | undefined {
  if (html === undefined) return undefined;
  if (resolve(html) === resolve(path)) throw new UsageError("--html names the file that is inspected");
  if (!/\.html?$/i.test(html))
    throw new UsageError(`expected a name with the ending .html for --html, received ${html}`);
  return html;
}
