import { existsSync, statSync } from "node:fs";
import { basename, extname, relative, resolve } from "node:path";
import { FileNotFoundError, ValueError } from "../../../config/python-errors";
import { suggestNames, withSuggestion } from "../../../config/nearest-names";
import { cellGeometry } from "../../geometry/cell-geometry";
import { surfaceAreas, surfaceNormals, type Location } from "../../geometry/surface-normals";
import type { NdArray } from "../../readers/arrays";
import { joinMeshes } from "../../readers/join";
import { FieldMap, type Mesh } from "../../readers/mesh";
import { hasTimes, isArrayFile, isSingleArray, type CaseReader, type Contents } from "./case-reader";
import type { Case } from "./cases";
import { propertiesOf, type DomainConfig, type PropertyConfig } from "./config";
import { distances } from "./distances";
import { glob, isPattern } from "./glob";
import { selectBlocks } from "./select-blocks";
import { toSI } from "./units";
import { joinValues, valuesOf, type Values } from "./values";

const POINTS = "points";
const CELL_CENTERS = "cell_centers";

/** One point cloud of the samples: where its properties are in a case, and how they are computed. */
export class Domain {
  readonly properties: ReadonlyMap<string, PropertyConfig>;

  constructor(
    readonly name: string,
    readonly config: DomainConfig,
    /** All domains of the data set, by name: distances go to others. */
    readonly others: ReadonlyMap<string, Domain>,
  ) {
    this.properties = propertiesOf(config);
  }

  /**
   * Makes sure that all files of a case are there.
   *
   * @throws FileNotFoundError that names the nearest file; ValueError for a time in files that have none
   */
  checkFiles(where: Case): void {
    for (const [property, { file, to }] of this.properties) {
      this.#paths(where, file, property);
      if (to !== null && !this.others.has(to)) this.#paths(where, to, property);
    }
    if (this.config.time === "latest") return;
    const without = this.#paths(where, null, "position").find((path) => !hasTimes(path));
    if (without !== undefined)
      throw new ValueError(
        `domains.${this.name}: time is for OpenFOAM cases and .pvd files, and ${without} has none: leave it out`,
      );
  }

  /** The files of a case that a property is read from. */
  filesOf(where: Case, name: string): string[] {
    const { file, to } = this.properties.get(name)!;
    const target = to === null ? [] : (this.others.get(to)?.filesOf(where, "position") ?? this.#paths(where, to, name));
    return [...this.#paths(where, null, "position"), ...this.#paths(where, file, name), ...target];
  }

  /** Announces what the properties need of the files of a case. */
  want(reader: CaseReader, where: Case, names: readonly string[]): void {
    for (const name of this.#needed(names)) {
      const { field, computed, file, to } = this.properties.get(name)!;
      for (const path of this.#paths(where, file, name)) {
        const fields = computed === null ? this.#fieldsIn(path, name, field) : [];
        reader.want(path, this.config.time, fields, computed !== null || this.#needsCells());
      }
      if (to === null) continue;
      const target = this.others.get(to);
      for (const path of target ? target.#paths(where, null, "position") : this.#paths(where, to, name))
        reader.want(path, target?.config.time ?? "latest", [], true);
    }
  }

  /** The values of the properties, all with the same number of rows. */
  async values(reader: CaseReader, where: Case, names: readonly string[]): Promise<Map<string, Values>> {
    const result = new Map<string, Values>();
    for (const name of names) result.set(name, await this.#values(reader, where, name));
    const [first] = result;
    for (const [name, { rows }] of result) {
      if (rows !== first![1].rows)
        throw this.#problem(
          where,
          name,
          `has ${rows} rows and ${this.name}_${first![0]} ${first![1].rows}: expected equally many (points and cells are not mixed)`,
        );
      if (rows === 0) throw this.#problem(where, name, "has no points");
    }
    return result;
  }

  /** The surface that distances are measured to, in m: all cells of the domain. */
  async surface(reader: CaseReader, where: Case): Promise<Mesh> {
    return inMetres(await this.#mesh(reader, where, null, "position"), this.#length);
  }

  /**
   * The mesh of the domain with everything that its files hold, in their units, and where the points of the samples are in it.
   *
   * @returns null where the files have arrays only
   */
  async whole(reader: CaseReader, where: Case): Promise<{ mesh: Mesh; location: Location } | null> {
    const { field, file } = this.properties.get("position")!;
    const meshes: Mesh[] = [];
    for (const path of this.#paths(where, file, "position")) {
      const content = isArrayFile(path) ? null : await reader.readAll(path, this.config.time);
      if (content === null || !("mesh" in content)) return null;
      meshes.push(file === null ? this.#selected(content.mesh) : content.mesh);
    }
    const mesh = joinMeshes(meshes);
    const [name] = [field ?? "position"].flat();
    const isOnCells = !mesh.pointData.has(name!) && mesh.cellData.has(name!);
    return { mesh, location: this.#location ?? (isOnCells ? "cells" : "points") };
  }

  /** Unit of positions. */
  get #length(): string | null {
    return this.properties.get("position")!.unit;
  }

  /** Where a position by a field of another name has to be looked up to know what it belongs to. */
  #needed(names: readonly string[]): readonly string[] {
    return this.#location === null && !names.includes("position") ? [...names, "position"] : names;
  }

  /** Points or cells, as the position says; null: what the field of the position is on. */
  get #location(): Location | null {
    const { field } = this.properties.get("position")!;
    return field === POINTS ? "points" : field === CELL_CENTERS ? "cells" : null;
  }

  #needsCells(): boolean {
    return this.#location !== "points";
  }

  /** Names of fields to read, null for all; coordinates of a mesh are no field, but OpenFOAM's own centres are. */
  #fieldsIn(path: string, property: string, field: PropertyConfig["field"]): string[] | null {
    const names = [field ?? property].flat();
    if (isArrayFile(path)) return field === null && isSingleArray(path) ? null : names;
    const isCase = extname(path).toLowerCase() === ".foam" || statSync(path).isDirectory();
    return names.flatMap((name) =>
      name === POINTS ? [] : name !== CELL_CENTERS ? [name] : isCase && this.config.patches === null ? ["C"] : [],
    );
  }

  async #values(reader: CaseReader, where: Case, name: string): Promise<Values> {
    const property = this.properties.get(name)!;
    try {
      if (property.computed !== null) return await this.#computed(reader, where, name, property);
      const [path, ...more] = this.#paths(where, property.file, name);
      if (isArrayFile(path!)) {
        const arrays = await Promise.all([path!, ...more].map((each) => reader.read(each, this.config.time)));
        return joinValues(
          arrays.map((content, i) => valuesOf(this.#arrays([path!, ...more][i]!, content, name, property), property)),
        );
      }
      const mesh = await this.#mesh(reader, where, property.file, name);
      const location = await this.#locationIn(reader, where);
      const arrays: [string, NdArray][] = [];
      for (const field of [property.field ?? name].flat())
        arrays.push([field, await this.#field(reader, where, mesh, location, field, property)]);
      return valuesOf(arrays, property);
    } catch (error) {
      if (!(error instanceof ValueError) || error instanceof CaseError) throw error;
      throw this.#problem(where, name, error.message, error);
    }
  }

  #arrays(path: string, content: Contents, name: string, { field }: PropertyConfig): [string, NdArray][] {
    const arrays = "arrays" in content ? content.arrays : new FieldMap();
    const only = arrays.size === 1 ? [...arrays.keys()] : null;
    const wanted = field ?? (arrays.has(name) ? name : (only ?? name));
    return [wanted].flat().map((each) => {
      // a file of one array is that array, whatever it is called
      const array = arrays.get(each) ?? (only && field === null ? arrays.get(only[0]!) : undefined);
      if (array) return [each, array];
      const isText = arrays.texts.has(each);
      throw new ValueError(
        isText
          ? `"${each}" in ${path} has texts, not numbers`
          : `there is no "${each}" in ${path}; ${suggestNames(each, arrays.keys()) || "it has no numbers"}`,
      );
    });
  }

  async #field(
    reader: CaseReader,
    where: Case,
    mesh: Mesh,
    location: Location,
    field: string,
    property: PropertyConfig,
  ): Promise<NdArray> {
    if (field === POINTS) {
      if (location === "cells")
        throw new ValueError("points are not on cells: position is, so that it is cell_centers");
      return { values: mesh.points, shape: [mesh.numberOfPoints, 3] };
    }
    if (field === CELL_CENTERS) {
      const own = mesh.cellData.get("C");
      if (own && own.shape[1] === 3) return own;
      return { values: cellGeometry(mesh).centers, shape: [mesh.numberOfCells, 3] };
    }
    const found = (location === "points" ? mesh.pointData : mesh.cellData).get(field);
    if (found) return found;
    throw new ValueError(await this.#missingField(reader, where, location, field, property));
  }

  /** What there is instead of a field, in the whole file. */
  async #missingField(
    reader: CaseReader,
    where: Case,
    location: Location,
    field: string,
    { file }: PropertyConfig,
  ): Promise<string> {
    const paths = this.#paths(where, file, field);
    const whole = await Promise.all(paths.map((path) => reader.readAll(path, this.config.time)));
    const mesh = joinMeshes(whole.flatMap((content) => ("mesh" in content ? [this.#selected(content.mesh)] : [])));
    const [here, there] = location === "points" ? [mesh.pointData, mesh.cellData] : [mesh.cellData, mesh.pointData];
    const files = paths.join(", ");
    if (there.has(field)) {
      const hint = location === "points" ? "position: cell_centers" : "position: points";
      return `the field "${field}" of ${files} is on ${location === "points" ? "cells" : "points"}, and the position on ${location}: write ${hint}`;
    }
    if (mesh.fieldData.has(field))
      return `the field "${field}" of ${files} belongs to the whole file: make it one of the conditions`;
    const names = [...here.keys()];
    if (names.length > 0)
      return withSuggestion(`there is no field "${field}" on the ${location} of ${files}`, field, names);
    const others = [...there.keys()].map((name) => `"${name}"`).join(", ");
    return `there is no field on the ${location} of ${files}${others === "" ? "" : `; on its ${location === "points" ? "cells" : "points"} there is ${others}`}`;
  }

  async #computed(reader: CaseReader, where: Case, name: string, property: PropertyConfig): Promise<Values> {
    const location = await this.#locationIn(reader, where);
    const mesh = await this.#mesh(reader, where, property.file, name);
    const rows = location === "points" ? mesh.numberOfPoints : mesh.numberOfCells;
    // lengths are converted by the unit of the position, whatever is computed of them
    const length = this.#length === null ? 1 : toSI(this.#length).factor;
    const result = (values: Float64Array, channels: number, unitFactor: number): Values =>
      valuesOf([[name, { values, shape: [rows, channels] }]], {
        ...property,
        unit: null,
        scale: property.scale * unitFactor,
      });
    switch (property.computed) {
      case "normals":
        return result(surfaceNormals(mesh, location), 3, 1);
      case "area":
        return result(surfaceAreas(mesh, location), 1, length ** 2);
      case "cell_volume":
        if (location === "points") throw new ValueError("volumes are those of cells: write position: cell_centers");
        return result(cellGeometry(mesh).volumes, 1, length ** 3);
      default: {
        const queries = await this.#values(reader, where, "position");
        const target = this.others.get(property.to!);
        const surface = target
          ? await target.surface(reader, where)
          : inMetres(await this.#mesh(reader, where, property.to, name), property.unit ?? this.#length);
        return result(distances(queries, surface, property.computed === "signed_distance"), 1, 1);
      }
    }
  }

  /** The mesh of the domain's files, or of another file of the case. */
  async #mesh(reader: CaseReader, where: Case, file: string | null, property: string): Promise<Mesh> {
    const paths = this.#paths(where, file, property);
    const meshes: Mesh[] = [];
    for (const path of paths) {
      if (isArrayFile(path)) throw new ValueError(`expected a mesh, but ${path} has arrays only`);
      const content = await reader.read(path, file === null ? this.config.time : this.#timeOf(path));
      if (!("mesh" in content)) continue;
      try {
        meshes.push(file === null || content.mesh.numberOfPoints === 0 ? this.#selected(content.mesh) : content.mesh);
      } catch (error) {
        throw error instanceof ValueError ? new ValueError(`${path} ${error.message}`, { cause: error }) : error;
      }
    }
    return meshes.length === 1 ? meshes[0]! : joinMeshes(meshes);
  }

  #timeOf(path: string): DomainConfig["time"] {
    return hasTimes(path) ? this.config.time : "latest";
  }

  #selected(mesh: Mesh): Mesh {
    const { patches, blocks } = this.config;
    const names = patches ?? blocks;
    if (names !== null && mesh.blocks.size === 0 && mesh.numberOfPoints > 0) {
      throw new ValueError(`has no ${patches === null ? "blocks" : "patches"}`);
    }
    return selectBlocks(mesh, names === null ? null : [names].flat(), patches === null ? "blocks" : "patches");
  }

  async #locationIn(reader: CaseReader, where: Case): Promise<Location> {
    if (this.#location !== null) return this.#location;
    const { field, file } = this.properties.get("position")!;
    const [path] = this.#paths(where, file, "position");
    if (isArrayFile(path!)) return "points";
    const mesh = await this.#mesh(reader, where, file, "position");
    const [name] = [field ?? "position"].flat();
    return !mesh.pointData.has(name!) && mesh.cellData.has(name!) ? "cells" : "points";
  }

  /** Absolute paths of a property's files in a case; at least one. */
  #paths(where: Case, file: string | null, property: string): string[] {
    const written = file ?? this.config.file;
    if (written === null) {
      if (where.file !== null) return [where.file];
      throw new ValueError(
        `domains.${this.name}: expected file, the name of a file in each case: the cases are folders`,
      );
    }
    return [written].flat().flatMap((each) => {
      const path = each.replaceAll("{case}", basename(where.name));
      if (isPattern(path)) {
        const found = glob(path, where.folder);
        if (found.length > 0) return found;
      } else if (existsSync(resolve(where.folder, path))) return [resolve(where.folder, path)];
      const there = glob("*", where.folder).map((entry) => relative(where.folder, entry));
      throw new FileNotFoundError(
        `FolderDataset: the case "${where.name}" has no file "${path}" for ${this.name}_${property} in ${where.folder}; ${suggestNames(path, there) || "the folder is empty"}`,
      );
    });
  }

  #problem(where: Case, property: string, message: string, cause?: unknown): CaseError {
    return new CaseError(`FolderDataset: ${this.name}_${property} of the case "${where.name}": ${message}`, { cause });
  }
}

/** A problem that already says which case and property it is about. */
class CaseError extends ValueError {}

function inMetres(mesh: Mesh, unit: string | null): Mesh {
  const factor = unit === null ? 1 : toSI(unit).factor;
  return factor === 1 ? mesh : mesh.with({ points: Float64Array.from(mesh.points, (x) => x * factor) });
}
