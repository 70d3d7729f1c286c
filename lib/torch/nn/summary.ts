/** A table of what a module consists of. */
import { arrayOf, checkArgument, checkOptions, count, type Kind } from "../arguments";
import { noGrad } from "../autograd";
import { bytesText } from "../bytes-text";
import { TorchError } from "../errors";
import { tensorsIn } from "../map-tensors";
import { scope } from "../scope";
import type { Tensor } from "../tensor";
import { Module } from "./module";

/** One module of a {@link ModuleSummary}. Numbers are of the module itself, without those below. */
export interface SummaryRow {
  /** Path of state-dict names, "" for the module itself. */
  readonly name: string;
  /** Name of the class. */
  readonly type: string;
  /** How many modules are above. */
  readonly depth: number;
  /** Shapes of the tensors that `forward` gave last; null where it was not called. */
  readonly outputShapes: readonly (readonly number[])[] | null;
  /** Shapes of the module's own parameters, by name. */
  readonly weights: Readonly<Record<string, readonly number[]>>;
  /** Number of weights; shared ones count where they come first. */
  readonly parameters: number;
  /** Number of weights that train. */
  readonly trainable: number;
  /** Bytes of parameters and buffers. */
  readonly bytes: number;
}

/** Options of {@link summary}. */
export interface SummaryOptions {
  /** Show modules down to this depth, with the numbers of those below added to them (default: all). */
  depth?: number;
}

const MODULE: Kind = { text: "a module", accepts: (value) => value instanceof Module };
const ANY: Kind = { text: "inputs of forward", accepts: () => true };

/** What {@link summary} gives; `String(…)` and `console.log` print the table. */
export class ModuleSummary {
  constructor(readonly rows: readonly SummaryRow[]) {}

  /** Number of weights. */
  get parameters(): number {
    return sum(this.rows, "parameters");
  }

  /** Number of weights that train. */
  get trainable(): number {
    return sum(this.rows, "trainable");
  }

  /** Bytes of parameters and buffers. */
  get bytes(): number {
    return sum(this.rows, "bytes");
  }

  /** The table. */
  toString(): string {
    const hasOutputs = this.rows.some(({ outputShapes }) => outputShapes !== null);
    const lines = this.rows.map((row) => [
      "  ".repeat(row.depth) + (row.name === "" ? row.type : `${row.name.split(".").at(-1)!}: ${row.type}`),
      hasOutputs ? (row.outputShapes ?? []).map(shape).join(", ") : Object.values(row.weights).map(shape).join(", "),
      row.parameters === 0 ? "" : grouped(row.parameters),
      row.parameters === 0 ? "" : grouped(row.trainable),
      row.bytes === 0 ? "" : bytesText(row.bytes, 1),
    ]);
    const total = ["total", "", grouped(this.parameters), grouped(this.trainable), bytesText(this.bytes, 1)];
    const head = ["module", hasOutputs ? "output" : "weights", "parameters", "trainable", "memory"];
    const widths = head.map((_, column) => Math.max(...[head, ...lines, total].map((line) => line[column]!.length)));
    const text = (line: readonly string[]): string =>
      line
        .map((cell, column) => (column < 2 ? cell.padEnd(widths[column]!) : cell.padStart(widths[column]!)))
        .join("  ")
        .trimEnd();
    const rule = "─".repeat(widths.reduce((width, each) => width + each + 2, -2));
    return [text(head), rule, ...lines.map(text), rule, text(total)].join("\n");
  }

  /** `console.log(summary)` prints {@link toString}. */
  [Symbol.for("nodejs.util.inspect.custom")](): string {
    return this.toString();
  }
}

/**
 * A table of a module: its modules, the shapes of their outputs (or of their weights, where no inputs are given), how many weights they have and
 * train, and the memory of parameters and buffers.
 *
 * @param inputs arguments of `forward`, which is called once in evaluation mode, without gradients.
 * @example
 * console.log(summary(model, [zeros([1, 3, 32, 32])]));
 */
export function summary(
  module: Module,
  inputs?: readonly unknown[],
  options: SummaryOptions = {},
  ...surplus: never[]
): ModuleSummary {
  checkArgument("summary", "module", module, MODULE);
  if (inputs !== undefined) checkArgument("summary", "inputs", inputs, arrayOf(ANY));
  checkOptions("summary", options, { depth: count }, surplus);
  const outputs = inputs === undefined ? null : outputShapes(module, inputs);
  const seen = new Set<Tensor>();
  const rows: SummaryRow[] = [];
  for (const [name, each] of module.namedModules()) {
    const depth = name === "" ? 0 : name.split(".").length;
    const own = <T extends Tensor>(tensors: readonly [string, T][]): [string, T][] =>
      tensors.filter(([, tensor]) => !seen.has(tensor) && seen.add(tensor));
    const parameters = own(each.namedParameters("", { recurse: false }));
    const buffers = own(each.namedBuffers("", { recurse: false }));
    const row: SummaryRow = {
      name,
      type: each.constructor.name,
      depth,
      outputShapes: outputs?.get(each) ?? null,
      weights: Object.fromEntries(parameters.map(([key, parameter]) => [key, parameter.shape])),
      parameters: parameters.reduce((total, [, parameter]) => total + parameter.numel(), 0),
      trainable: parameters.reduce(
        (total, [, parameter]) => total + (parameter.requiresGrad ? parameter.numel() : 0),
        0,
      ),
      bytes: [...parameters, ...buffers].reduce((total, [, each]) => total + each.numel() * each.elementSize(), 0),
    };
    if (depth <= (options.depth ?? Infinity)) rows.push(row);
    else rows.push(joined(rows.pop()!, row)); // children follow their parents
  }
  return new ModuleSummary(rows);
}

/** The numbers of two modules in the row of the first. */
function joined(above: SummaryRow, below: SummaryRow): SummaryRow {
  return {
    ...above,
    parameters: above.parameters + below.parameters,
    trainable: above.trainable + below.trainable,
    bytes: above.bytes + below.bytes,
  };
}

/** The shapes that one pass gives. The module is afterwards what it was. */
function outputShapes(module: Module, inputs: readonly unknown[]): Map<Module, number[][]> {
  const shapes = new Map<Module, number[][]>();
  const modules = module.modules();
  const handles = modules.map((each) =>
    each.registerForwardHook((_, __, output) => {
      shapes.set(
        each,
        tensorsIn(output).map((tensor) => [...tensor.shape]),
      );
    }),
  );
  const training = modules.filter((each) => each.training);
  try {
    module.eval();
    noGrad(() => scope(() => void module.forward(...(inputs as unknown[]))));
  } catch (error) {
    throw new TorchError(`summary: forward failed with the inputs given: ${(error as Error).message}`, {
      cause: error,
    });
  } finally {
    for (const each of training) each.training = true;
    for (const handle of handles) handle.remove();
  }
  return shapes;
}

function sum(rows: readonly SummaryRow[], key: "parameters" | "trainable" | "bytes"): number {
  return rows.reduce((total, row) => total + row[key], 0);
}

function shape(sizes: readonly number[]): string {
  return `[${sizes.join(", ")}]`;
}

/** `1234567` → `1,234,567`. */
function grouped(number: number): string {
  return number.toLocaleString("en-US");
}
