import { existsSync, readFileSync } from "node:fs";
import { extname, resolve } from "node:path";
import { readYaml, toPlain } from "../../../config";
import { displayPath } from "../../../config/compose/config-files";
import { FileNotFoundError, KeyError, ValueError } from "../../../config/python-errors";
import { suggestNames, withSuggestion } from "../../../config/nearest-names";
import { isMapping } from "../../../config/schema";
import type { FieldMap } from "../../readers/mesh";
import { readArrays } from "../../readers/named-arrays";
import { readMesh } from "../../readers/formats";
import { isArrayFile } from "./case-reader";
import type { Case } from "./cases";
import type { ConditionConfig } from "./config";
import { glob } from "./glob";
import { toSI } from "./units";

const TREES: ReadonlySet<string> = new Set([".json", ".yaml", ".yml"]);

/** Numbers by name; a name may have several. */
type Row = ReadonlyMap<string, readonly number[]>;

/** Numbers of a whole case: from a table of all cases, or from a file in each. */
export class Condition {
  #table: Promise<ReadonlyMap<string, Row>> | undefined;

  constructor(
    readonly key: string,
    readonly config: ConditionConfig,
    /** Where the path of a table begins. */
    readonly root: string,
    /** All cases of the data set, whatever the split. */
    readonly cases: readonly Case[],
  ) {}

  /** Makes sure that the table, or the file of the case, is there. @throws FileNotFoundError */
  checkFiles(where: Case): void {
    const { table, file } = this.config;
    if (existsSync(this.fileOf(where))) return;
    const [folder, name] = table === null ? [where.folder, file!] : [this.root, table];
    const there = glob("*", folder).map((path) => path.slice(folder.length + 1));
    throw new FileNotFoundError(
      `FolderDataset: conditions.${this.key}: there is no ${this.fileOf(where)}; ${suggestNames(name, there) || "the folder is empty"}`,
    );
  }

  /** The table, or the file of a case. */
  fileOf(where: Case): string {
    const { table, file } = this.config;
    return table === null ? resolve(where.folder, file!) : resolve(this.root, table);
  }

  /** The numbers of a case, in SI units. */
  async values(where: Case): Promise<Float64Array> {
    const { table, file, field, unit, scale } = this.config;
    const source = table ?? resolve(where.folder, file!);
    const row = table === null ? await readRow(source) : await this.#rowOf(where);
    const names = field === null ? [...row.keys()] : [field].flat();
    const units = unit === null ? [] : [unit].flat();
    const result = names.flatMap((name, i) => {
      const numbers = row.get(name);
      if (numbers === undefined)
        throw new KeyError(
          withSuggestion(
            `FolderDataset: ${this.key} of the case "${where.name}": there is no "${name}" in ${source}`,
            name,
            row.keys(),
          ),
        );
      const { factor, offset } =
        units.length === 0 ? { factor: 1, offset: 0 } : toSI(units[units.length === 1 ? 0 : i]!);
      return numbers.map((value) => (value * factor + offset) * scale);
    });
    if (result.length === 0)
      throw new ValueError(`FolderDataset: ${this.key} of the case "${where.name}": there are no numbers in ${source}`);
    return Float64Array.from(result);
  }

  async #rowOf(where: Case): Promise<Row> {
    this.#table ??= readTableRows(resolve(this.root, this.config.table!), this.config.case_column, this.cases);
    const rows = await this.#table;
    const row = rows.get(where.name);
    if (row) return row;
    throw new KeyError(
      withSuggestion(
        `FolderDataset: ${this.key}: ${this.config.table} has no row of the case "${where.name}"`,
        where.name,
        rows.keys(),
      ),
    );
  }
}

// ---- a file in each case

async function readRow(path: string): Promise<Row> {
  if (TREES.has(extname(path).toLowerCase())) return flatRow(readTree(path));
  const arrays = isArrayFile(path) ? await readArrays(path) : (await readMesh(path, { cells: false })).fieldData;
  return new Map([...arrays].map(([name, { values }]) => [name, Array.from(values, Number)] as const));
}

function readTree(path: string): unknown {
  let text: string;
  try {
    text = readFileSync(path, "utf8");
  } catch (error) {
    throw new FileNotFoundError(`expected a file, received ${path}, which cannot be read`, { cause: error });
  }
  return toPlain(readYaml(text, displayPath(path)));
}

/** Numbers and lists of numbers of a tree; keys inside keys as `outer.inner`. */
function flatRow(tree: unknown, prefix = ""): Map<string, readonly number[]> {
  const row = new Map<string, readonly number[]>();
  if (!isMapping(tree)) return row;
  for (const [key, value] of Object.entries(tree)) {
    const name = `${prefix}${key}`;
    const numbers = [value].flat();
    if (isMapping(value)) for (const [inner, entry] of flatRow(value, `${name}.`)) row.set(inner, entry);
    else if (numbers.every((number): number is number => typeof number === "number")) row.set(name, numbers);
  }
  return row;
}

// ---- a table of all cases

async function readTableRows(path: string, column: string | null, cases: readonly Case[]): Promise<Map<string, Row>> {
  if (TREES.has(extname(path).toLowerCase())) {
    const tree = readTree(path);
    if (!isMapping(tree)) throw new ValueError(`expected a mapping of the names of cases in ${path}`);
    return new Map(Object.entries(tree).map(([name, values]) => [name, flatRow(values)]));
  }
  const columns = await readArrays(path);
  const names = namesIn(columns, column, path, cases);
  const rows = new Map<string, Row>();
  names.forEach((name, i) => {
    if (rows.has(name)) throw new ValueError(`expected one row for each case in ${path}, received two of "${name}"`);
    const numbers = [...columns].filter(([key]) => key !== column);
    rows.set(name, new Map(numbers.map(([key, { values, shape }]) => [key, cellOf(values, shape, i)])));
  });
  return rows;
}

function cellOf(values: ArrayLike<number | bigint>, shape: readonly number[], row: number): number[] {
  const width = shape.slice(1).reduce((product, size) => product * size, 1);
  return Array.from({ length: width }, (_, i) => Number(values[row * width + i]));
}

/**
 * The name of the case in each row. A column of numbers is compared with the number at the end of a case's name, so that 12 is `run_12`
 * and `012`.
 */
function namesIn(columns: FieldMap, column: string | null, path: string, cases: readonly Case[]): readonly string[] {
  const [firstTexts] = columns.texts.keys();
  const name = column ?? firstTexts ?? null;
  if (name === null)
    throw new ValueError(`expected a column with the names of the cases in ${path}: name it by case_column`);
  const texts = columns.texts.get(name);
  if (texts) return texts;
  const numbers = columns.get(name);
  if (!numbers)
    throw new ValueError(
      withSuggestion(`there is no column "${name}" in ${path}`, name, [...columns.texts.keys(), ...columns.keys()]),
    );
  const byNumber = new Map<number, string[]>();
  for (const each of cases) {
    const digits = /(\d+)$/.exec(each.name)?.[1];
    if (digits !== undefined) byNumber.set(Number(digits), [...(byNumber.get(Number(digits)) ?? []), each.name]);
  }
  return Array.from(numbers.values, Number).map((value) => {
    const matching = byNumber.get(value) ?? [];
    if (matching.length > 1)
      throw new ValueError(
        `${path}: ${value} in "${name}" is ${matching.map((each) => `"${each}"`).join(" and ")}: use names`,
      );
    return matching[0] ?? String(value);
  });
}
