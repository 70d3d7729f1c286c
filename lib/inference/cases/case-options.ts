import { existsSync } from "node:fs";
import { withSuggestion } from "../../config/nearest-names";
import { ValueError } from "../../config/python-errors";
import type { Location } from "../../data/geometry/surface-normals";

/** How a file or folder becomes the inputs of a run, where the run's own config does not say it. */
export interface CaseOptions {
  /** File of a domain, `wing.vtp`; patches or blocks of one behind a number sign, `case#wing,flap`. */
  readonly domains?: Readonly<Record<string, string>>;
  /**
   * Names in the files by the run's names, `{ pressure: "p" }` or `{ surface_pressure: "p" }`; `computed` for normals, areas and cell
   * volumes. Default: the same name.
   */
  readonly fields?: Readonly<Record<string, string>>;
  /** Numbers of the whole case, `{ inflow_design_parameters: [4, 30] }`; they replace those of files. */
  readonly conditions?: Readonly<Record<string, number | readonly number[]>>;
  /** Where the fields of a mesh are predicted. Default: on points; of OpenFOAM cases on cells. */
  readonly location?: Location;
  /** Of models in the plane: the two axes of the mesh, `xy`, `xz`, …. Default: `xy` of meshes that are plane. */
  readonly plane?: string;
  /** Of transient cases. Default `latest`. */
  readonly time?: number | "first" | "latest";
}

/** A file of a domain, and which of its parts. */
export interface DomainFile {
  readonly path: string;
  /** Null: all. */
  readonly parts: readonly string[] | null;
}

/** Reads `FILE` or `FILE#PART,PART`. */
export function parseDomainFile(text: string): DomainFile {
  const hash = text.lastIndexOf("#");
  if (hash < 0 || existsSync(text)) return { path: text, parts: null };
  const parts = text
    .slice(hash + 1)
    .split(",")
    .map((part) => part.trim())
    .filter((part) => part !== "");
  if (parts.length === 0) throw new ValueError(`${text}: expected names of patches or blocks behind "#", got none`);
  return { path: text.slice(0, hash), parts };
}

/** @throws ValueError for names that the run does not know */
export function checkCaseOptions(
  options: CaseOptions,
  run: { domains: readonly string[]; names: readonly string[]; conditions: readonly string[] },
): void {
  const check = (
    what: string,
    given: Readonly<Record<string, unknown>> | undefined,
    known: readonly string[],
  ): void => {
    const unknown = Object.keys(given ?? {}).find((name) => !known.includes(name));
    if (unknown !== undefined)
      throw new ValueError(withSuggestion(`${what} "${unknown}" is not of this run`, unknown, known));
  };
  check("domain", options.domains, run.domains);
  check("field", options.fields, run.names);
  check("condition", options.conditions, run.conditions);
  if (options.plane !== undefined && !/^(?!(.)\1)[xyz]{2}$/.test(options.plane))
    throw new ValueError(`plane: expected two of the axes x, y and z, such as xz, got "${options.plane}"`);
}
