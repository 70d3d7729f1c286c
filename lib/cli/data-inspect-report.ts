/** What `noether-ts data inspect` prints for people: as wide as the terminal, whatever that is. */
import type { Contents } from "../data/inspect/contents";
import type { FolderContents } from "../data/inspect/folder";
import type { FieldSummary, Location, MeshSummary, Range } from "../data/inspect/summary";

const WHERE: Readonly<Record<Location, string>> = {
  points: "fields on points",
  cells: "fields on cells",
  whole: "of the whole",
};

/** `surface.vtp: VTK polygonal data, 1.2 MB` */
export function heading({ path, format, size }: Contents): string {
  return `${path}: ${format}, ${bytes(size)}`;
}

/** One file or case. */
export function contentsReport(contents: Contents, width: number): string {
  const { mesh, arrays, times } = contents;
  const lines = [heading(contents)];
  if (times.length > 0) lines.push(`  ${timesText(times)}`);
  if (mesh) lines.push(...meshLines(mesh, "  ", width));
  if (arrays) lines.push(...fieldLines("arrays", arrays, "  ", width));
  return `${lines.join("\n")}\n`;
}

/** A folder of cases. */
export function folderReport(folder: FolderContents, width: number): string {
  const { path, cases, files, read, beside, differences, problems } = folder;
  const lines = [`${path}: ${cases.length === 1 ? "1 case" : `${cases.length} cases`}${casesText(cases)}`];
  if (!folder.casesAreFiles)
    for (const [file, number] of Object.entries(files))
      lines.push(`  ${file}${number === cases.length ? "" : `  (in ${number} of them)`}`);
  const [first] = read;
  if (first) {
    if (cases.length > 1) lines.push("", `${first.name}:`);
    for (const contents of Object.values(first.files)) lines.push("", contentsReport(contents, width).trimEnd());
  }
  for (const contents of beside) lines.push("", contentsReport(contents, width).trimEnd());
  if (cases.length > 1) lines.push("", ...comparison(folder, width));
  const list = (title: string, entries: readonly string[]): void => {
    if (entries.length > 0) lines.push("", title, ...entries.flatMap((entry) => wrapped(entry, "  - ", "    ", width)));
  };
  list("Differences:", differences);
  list("Could not be read:", problems);
  return `${lines.join("\n")}\n`;
}

function casesText(cases: readonly string[]): string {
  if (cases.length <= 4) return ` (${cases.join(", ")})`;
  return ` (${cases[0]}, ${cases[1]} … ${cases.at(-1)})`;
}

/** How many points and cells the cases have, and the range of each field over all of them. */
function comparison({ read, cases, differences }: FolderContents, width: number): string[] {
  const done = read.filter(({ files }) => Object.keys(files).length > 0).length;
  const how = done === cases.length ? `All ${done} cases` : `${done} of ${cases.length} cases`;
  const lines = [`${how} were read${differences.length === 0 ? "; they hold the same fields" : ""}.`];
  const names = [...new Set(read.flatMap(({ files }) => Object.keys(files)))];
  for (const name of names) {
    const meshes = read.flatMap(({ files }) => files[name]?.mesh ?? []);
    if (meshes.length < 2) continue;
    const counts = [numberRange(meshes.map(({ points }) => points)), numberRange(meshes.map(({ cells }) => cells))];
    const title = name === "{case}" ? "" : `${name}: `;
    lines.push(...wrapped(`${title}${counts[0]} points, ${counts[1]} cells`, "  ", "    ", width));
  }
  return lines;
}

function numberRange(values: readonly number[]): string {
  const [low, high] = [Math.min(...values), Math.max(...values)];
  return low === high ? grouped(low) : `${grouped(low)} to ${grouped(high)}`;
}

// ---- meshes

function meshLines(mesh: MeshSummary, indent: string, width: number): string[] {
  const lines: string[] = [];
  const add = (text: string): void => void lines.push(...wrapped(text, indent, `${indent}  `, width));
  if (mesh.points > 0 || Object.keys(mesh.blocks).length === 0) {
    const kinds = Object.entries(mesh.cellKinds).map(([kind, number]) => `${grouped(number)} ${kind}`);
    const grid = mesh.dimensions ? ` (a grid of ${mesh.dimensions.join(" × ")} points)` : "";
    add(`${grouped(mesh.points)} points (${mesh.coordinates}), ${grouped(mesh.cells)} cells${grid}`);
    if (kinds.length > 0) add(`cells: ${kinds.join(", ")}`);
  }
  if (mesh.bounds) {
    const { min, max } = mesh.bounds;
    add(`extent ${max.map((value, d) => short(value - min[d]!)).join(" × ")}`);
    add(`from (${min.map(short).join(", ")}) to (${max.map(short).join(", ")})`);
  }
  if (mesh.badCoordinates > 0) add(`! ${grouped(mesh.badCoordinates)} coordinates are NaN or infinite`);
  if (mesh.time !== undefined) add(`time ${short(mesh.time)}`);
  for (const place of ["points", "cells", "whole"] as const) {
    const fields = mesh.fields[place].filter((field) => field !== patchType(mesh));
    lines.push(...fieldLines(WHERE[place], fields, indent, width));
  }
  const blocks = Object.entries(mesh.blocks);
  if (blocks.length > 0) lines.push(`${indent}patches and blocks: ${blocks.length}`);
  for (const [name, block] of blocks) {
    const type = patchType(block)?.texts?.[0];
    lines.push(
      `${indent}  ${name}${type === undefined ? "" : ` (${type})`}`,
      ...meshLines(block, `${indent}    `, width),
    );
  }
  return lines;
}

/** The text that says what a patch of an OpenFOAM case is: `wall`, `patch`, … */
function patchType({ fields }: MeshSummary): FieldSummary | undefined {
  return fields.whole.find(({ name, dtype, texts }) => name === "type" && dtype === "text" && texts?.length === 1);
}

const COLUMNS = ["min", "max", "mean"] as const;

function fieldLines(title: string, fields: readonly FieldSummary[], indent: string, width: number): string[] {
  if (fields.length === 0) return [];
  const rows = fields.flatMap((field) => [
    rowOf(field),
    ...(field.components ?? []).map((range, i) => componentRow(range, componentName(i, field.components!.length))),
  ]);
  const head = [title, "type", "shape", ...COLUMNS, "unit", ""];
  const table = aligned([head, ...rows]).map((line) => `${indent}${line}`);
  const lines = table.every((line) => line.length <= width)
    ? table
    : [`${indent}${title}`, ...fields.flatMap((field) => narrowLines(field, `${indent}  `, width))];
  return lines;
}

function rowOf(field: FieldSummary): string[] {
  const { name, dtype, shape, unit } = field;
  const numbers = field.texts ? [textSample(field), "", ""] : COLUMNS.map((key) => value(field[key]));
  return [name, dtype, shapeText(shape), ...numbers, unit ?? "", badText(field)];
}

function componentRow(range: Range, name: string): string[] {
  return [`  ${name}`, "", "", ...COLUMNS.map((key) => value(range[key])), "", ""];
}

/** A field in a narrow terminal: a line of what it is, and lines of numbers. */
function narrowLines(field: FieldSummary, indent: string, width: number): string[] {
  const { name, dtype, shape, unit } = field;
  const bad = badText(field);
  const range = ({ min, max, mean }: Range): string =>
    min === null ? "no finite values" : `${value(min)} … ${value(max)}, mean ${value(mean)}`;
  const numbers = field.texts
    ? [textSample(field)]
    : [`${range(field)}${unit === undefined ? "" : ` ${unit}`}`, ...(bad === "" ? [] : [bad])];
  for (const [i, each] of (field.components ?? []).entries())
    numbers.push(`${componentName(i, field.components!.length)}: ${range(each)}`);
  return [
    ...wrapped(`${name}  ${dtype} ${shapeText(shape)}`, indent, `${indent}  `, width),
    ...numbers.flatMap((text) => wrapped(text, `${indent}  `, `${indent}    `, width)),
  ];
}

function textSample({ texts = [], shape }: FieldSummary): string {
  const shown = texts.map((text) => JSON.stringify(text.length > 20 ? `${text.slice(0, 20)}…` : text)).join(", ");
  return `${shown}${shape[0]! > texts.length ? ", …" : ""}`;
}

function badText({ nan, infinite }: FieldSummary): string {
  const parts = [nan > 0 ? `${grouped(nan)} NaN` : "", infinite > 0 ? `${grouped(infinite)} infinite` : ""];
  const text = parts.filter(Boolean).join(", ");
  return text === "" ? "" : `! ${text}`;
}

function componentName(index: number, count: number): string {
  return count <= 3 ? "xyz"[index]! : String(index);
}

// ---- text

function aligned(rows: readonly (readonly string[])[]): string[] {
  const widths = rows[0]!.map((_, i) => Math.max(...rows.map((row) => row[i]!.length)));
  const isNumber = (column: number): boolean => column >= 3 && column <= 5;
  return rows.map((row) =>
    row
      .map((cell, i) => (isNumber(i) && !cell.startsWith('"') ? cell.padStart(widths[i]!) : cell.padEnd(widths[i]!)))
      .join("  ")
      .trimEnd(),
  );
}

/** Words in lines of at most `width`; a word that is longer stays whole. */
function wrapped(text: string, first: string, other: string, width: number): string[] {
  const lines: string[] = [];
  let line = "";
  for (const word of text.split(" ")) {
    const indent = lines.length === 0 ? first : other;
    if (line !== "" && indent.length + line.length + 1 + word.length > width) {
      lines.push(indent + line);
      line = word;
    } else line = line === "" ? word : `${line} ${word}`;
  }
  return [...lines, (lines.length === 0 ? first : other) + line];
}

function shapeText(shape: readonly number[]): string {
  return `(${shape.join(", ")})`;
}

function value(number: number | null): string {
  return number === null ? "–" : short(number);
}

/** Five digits. */
function short(number: number): string {
  return String(Number(number.toPrecision(5)));
}

function grouped(number: number): string {
  return number.toLocaleString("en");
}

function bytes(size: number): string {
  const units = ["B", "kB", "MB", "GB", "TB"];
  const power = Math.min(units.length - 1, size < 1000 ? 0 : Math.floor(Math.log10(size) / 3));
  return `${Number((size / 1000 ** power).toPrecision(3))} ${units[power]}`;
}

function timesText(times: readonly number[]): string {
  return times.length === 1 ? `time ${times[0]}` : `${times.length} times from ${times[0]} to ${times.at(-1)}`;
}
