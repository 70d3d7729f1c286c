/**
 * VTK XML files of one dataset: `.vtu` (unstructured), `.vtp` (surfaces, lines, points), `.vti` (regular), `.vtr`
 * (rectilinear) and `.vts` (curved grids), in every encoding that VTK 5 to 9 writes.
 * Format: https://docs.vtk.org/en/latest/vtk_file_formats/vtkxml_file_format.html
 */
import { toFloats, type NdArray } from "../arrays";
import type { ByteSource } from "../byte-source";
import { checkCells, joinCells } from "../cells";
import { lineType, polygonType, vertexType, CellType } from "../cell-types";
import { FieldMap, Mesh, noCells, type Cells, type ImageGrid, type Points, type PolyhedronFaces } from "../mesh";
import { wants, type ReadOptions } from "../options";
import { show } from "../scanner";
import { imagePoints, numberOfCells, rectilinearPoints, structuredCells } from "../structured";
import { DataArrayReader, titleOf } from "./data-array";
import { joinMeshes } from "../join";
import { readXmlDocument, type XmlElement } from "./xml-document";

/** Reads one dataset. Several pieces become one mesh, their points one after the other. */
export function readVtkXml(source: ByteSource, options: ReadOptions = {}): Mesh {
  const document = readXmlDocument(source);
  const { root } = document;
  if (root.name !== "VTKFile")
    throw source.error(`expected the root element VTKFile, got ${show(root.name)}`, root.offset);
  const type = root.require("type");
  if (!Object.hasOwn(READERS, type))
    throw root.error(`expected one of the types ${Object.keys(READERS).join(", ")}, got ${show(type)}`);
  return new DatasetReader(new DataArrayReader(document), options).read(root.first(type), READERS[type]!);
}

type PieceReader = (reader: DatasetReader, piece: XmlElement, dataset: XmlElement) => Geometry;

interface Geometry {
  readonly numberOfPoints: number;
  readonly numberOfCells: number;
  readonly points: Points | (() => Points);
  readonly cells: Cells | (() => Cells);
  readonly dimensions?: readonly [number, number, number];
  readonly image?: ImageGrid;
}

const READERS: Readonly<Record<string, PieceReader>> = {
  UnstructuredGrid: (reader, piece) => reader.unstructured(piece),
  PolyData: (reader, piece) => reader.polyData(piece),
  ImageData: (reader, piece, dataset) => reader.image(piece, dataset),
  RectilinearGrid: (reader, piece) => reader.rectilinear(piece),
  StructuredGrid: (reader, piece) => reader.structured(piece),
};

class DatasetReader {
  constructor(
    private readonly arrays: DataArrayReader,
    private readonly options: ReadOptions,
  ) {}

  read(dataset: XmlElement, readPiece: PieceReader): Mesh {
    const fieldElement = dataset.find("FieldData");
    const fieldData = fieldElement === undefined ? new FieldMap() : this.#fields(fieldElement, undefined);
    const pieces = dataset.all("Piece").map((piece) => this.#piece(piece, readPiece(this, piece, dataset)));
    if (pieces.length > 1 && pieces.some((piece) => piece.dimensions !== undefined))
      throw dataset.error(`expected one piece of a structured grid, got ${pieces.length}`);
    return joinMeshes(pieces, { fieldData, time: timeOf(fieldData) });
  }

  #piece(piece: XmlElement, geometry: Geometry): Mesh {
    const [pointElement, cellElement] = [piece.find("PointData"), piece.find("CellData")];
    const { numberOfPoints } = geometry;
    const hasCells = this.options.cells !== false;
    return new Mesh({
      ...geometry,
      ...(hasCells ? {} : { cells: noCells(), numberOfCells: 0 }),
      pointData: pointElement && this.#fields(pointElement, numberOfPoints),
      cellData: hasCells && cellElement ? this.#fields(cellElement, geometry.numberOfCells) : undefined,
    });
  }

  #fields(parent: XmlElement, rows: number | undefined): FieldMap {
    const fields = new FieldMap();
    parent.children.forEach((element, index) => {
      if (element.name !== "DataArray" && element.name !== "Array") return;
      const name = element.attribute("Name") ?? `array_${index}`;
      if (!wants(this.options, name)) return;
      if (this.arrays.isText(element)) fields.texts.set(name, this.arrays.texts(element));
      else fields.set(name, this.arrays.read(element, rows));
    });
    return fields;
  }

  unstructured(piece: XmlElement): Geometry {
    const numberOfPoints = piece.count("NumberOfPoints");
    const numberOfCells = piece.count("NumberOfCells", 0);
    const points = this.#points(piece, numberOfPoints);
    if (this.options.cells === false) return { numberOfPoints, numberOfCells, points, cells: noCells() };
    const element = piece.first("Cells");
    const { connectivity, offsets } = this.#lists(element, numberOfCells);
    const types = numberOfCells === 0 ? new Uint8Array(0) : this.#types(element, numberOfCells);
    const faces = this.#faces(element, types);
    const cells = checkCells(
      { connectivity, offsets, types, ...(faces && { faces }) },
      numberOfPoints,
      piece.source,
      piece.offset,
    );
    return { numberOfPoints, numberOfCells, points, cells };
  }

  polyData(piece: XmlElement): Geometry {
    const numberOfPoints = piece.count("NumberOfPoints");
    const points = this.#points(piece, numberOfPoints);
    const typeOf = { Verts: vertexType, Lines: lineType, Polys: polygonType, Strips: () => CellType.TRIANGLE_STRIP };
    const counts = Object.keys(typeOf).map((kind) => piece.count(`NumberOf${kind}`, 0));
    const total = counts.reduce((sum, count) => sum + count, 0);
    if (this.options.cells === false) return { numberOfPoints, numberOfCells: total, points, cells: noCells() };
    const parts = Object.entries(typeOf).map(([kind, type], i): Cells => {
      const element = piece.find(kind);
      if (counts[i] === 0 || element === undefined) {
        if (counts[i] !== 0) throw piece.error(`expected an element ${kind} with ${counts[i]} cells, got none`);
        return noCells();
      }
      const { connectivity, offsets } = this.#lists(element, counts[i]!);
      const types = Uint8Array.from({ length: counts[i]! }, (_, cell) => type(offsets[cell + 1]! - offsets[cell]!));
      return checkCells({ connectivity, offsets, types }, numberOfPoints, piece.source, piece.offset);
    });
    const used = parts.filter((part) => part.types.length > 0);
    const cells =
      used.length === 1
        ? used[0]!
        : joinCells(
            used,
            used.map(() => 0),
          );
    return { numberOfPoints, numberOfCells: total, points, cells };
  }

  image(piece: XmlElement, dataset: XmlElement): Geometry {
    const { dimensions, first } = this.#extent(piece);
    const origin = triple(dataset.numbers("Origin", 3, [0, 0, 0]));
    const spacing = triple(dataset.numbers("Spacing", 3, [1, 1, 1]));
    const direction = dataset.numbers("Direction", 9, [1, 0, 0, 0, 1, 0, 0, 0, 1]);
    // the extent of a part does not begin at 0; its origin here is its own first point
    const shifted = origin.map((value, row) =>
      first.reduce((sum, index, axis) => sum + direction[3 * row + axis]! * index * spacing[axis]!, value),
    );
    const image: ImageGrid = { dimensions, origin: triple(shifted), spacing, direction };
    return { ...this.#grid(piece, dimensions), image, points: () => imagePoints(image) };
  }

  rectilinear(piece: XmlElement): Geometry {
    const { dimensions } = this.#extent(piece);
    const elements = piece.first("Coordinates").all("DataArray");
    if (elements.length !== 3) throw piece.error(`expected the coordinates of 3 axes, got ${elements.length}`);
    const axes = elements.map((element, i) => toFloats(this.arrays.values(element, dimensions[i])));
    return { ...this.#grid(piece, dimensions), points: () => rectilinearPoints([axes[0]!, axes[1]!, axes[2]!]) };
  }

  structured(piece: XmlElement): Geometry {
    const { dimensions } = this.#extent(piece);
    const grid = this.#grid(piece, dimensions);
    return { ...grid, points: this.#points(piece, grid.numberOfPoints) };
  }

  #grid(piece: XmlElement, dimensions: readonly [number, number, number]): Omit<Geometry, "points"> {
    const numberOfPoints = dimensions[0] * dimensions[1] * dimensions[2];
    if (numberOfPoints * 8 >= 2 ** 31)
      throw piece.error(`expected at most 2^28 points in a structured grid, got ${dimensions.join(" × ")}`);
    return {
      numberOfPoints,
      numberOfCells: numberOfCells(dimensions),
      cells: () => structuredCells(dimensions),
      dimensions,
    };
  }

  #extent(piece: XmlElement): { dimensions: [number, number, number]; first: number[] } {
    const extent = piece.numbers("Extent", 6);
    const dimensions = triple([0, 2, 4].map((i) => extent[i + 1]! - extent[i]! + 1));
    if (extent.some((bound) => !Number.isInteger(bound)) || dimensions.some((size) => size < 1))
      throw piece.error(
        `expected an extent of integers with at least one point along each axis, got ${extent.join(" ")}`,
      );
    return { dimensions, first: [0, 2, 4].map((i) => extent[i]!) };
  }

  #points(piece: XmlElement, count: number): Points {
    const element = piece.find("Points")?.find("DataArray");
    if (element === undefined && count > 0) throw piece.error(`expected an array of ${count} points, got none`);
    return element === undefined ? new Float32Array(0) : this.arrays.points(element, count);
  }

  #lists(element: XmlElement, count: number): { connectivity: Int32Array; offsets: Int32Array } {
    if (count === 0) return { connectivity: new Int32Array(0), offsets: new Int32Array(1) };
    const offsets = withZero(this.arrays.indices(named(element, "offsets"), count));
    return { connectivity: this.arrays.indices(named(element, "connectivity"), offsets.at(-1)), offsets };
  }

  #types(element: XmlElement, count: number): Uint8Array {
    const array = named(element, "types");
    const types = this.arrays.values(array, count);
    if (types instanceof Uint8Array) return types;
    const narrow = Uint8Array.from(types as ArrayLike<number>, Number);
    if (narrow.some((type, i) => type !== Number(types[i])))
      throw array.error("expected types of cells from 0 to 255, got others");
    return narrow;
  }

  /** Faces as VTK ≥ 9.4 writes them (faces, and which of them a cell has), or as all before (counts between the points). */
  #faces(element: XmlElement, types: Uint8Array): PolyhedronFaces | undefined {
    if (!types.includes(CellType.POLYHEDRON)) return undefined;
    const find = (name: string) => element.children.find((child) => child.attribute("Name") === name);
    if (find("face_offsets") === undefined) return this.#oldFaces(element, types);
    const faceOffsets = withZero(this.arrays.indices(named(element, "face_offsets")));
    const points = this.arrays.indices(named(element, "face_connectivity"), faceOffsets.at(-1));
    const cellOffsets = withZero(this.arrays.indices(named(element, "polyhedron_offsets"), types.length));
    const order = this.arrays.indices(named(element, "polyhedron_to_faces"), cellOffsets.at(-1));
    const offsets = new Int32Array(order.length + 1);
    const connectivity: number[] = [];
    for (let i = 0; i < order.length; i++) {
      const [start, end] = [faceOffsets[order[i]!], faceOffsets[order[i]! + 1]];
      if (start === undefined || end === undefined || start > end || end > points.length)
        throw element.error(`expected faces 0 to ${faceOffsets.length - 2} of the polyhedra, got ${order[i]}`);
      for (let j = start; j < end; j++) connectivity.push(points[j]!);
      if (connectivity.length > 2 ** 31) throw element.error("expected at most 2^31 points of faces, got more");
      offsets[i + 1] = connectivity.length;
    }
    return { connectivity: Int32Array.from(connectivity), offsets, cellOffsets };
  }

  #oldFaces(element: XmlElement, types: Uint8Array): PolyhedronFaces {
    const stream = this.arrays.indices(named(element, "faces"));
    const ends = this.arrays.indices(named(element, "faceoffsets"), types.length);
    const [connectivity, offsets, cellOffsets]: number[][] = [[], [0], [0]];
    let at = 0;
    for (let cell = 0; cell < types.length; cell++) {
      if (ends[cell]! >= 0) {
        const faces = stream[at++] ?? -1;
        for (let face = 0; face < faces; face++) {
          const size = stream[at++] ?? -1;
          if (size < 0 || at + size > stream.length)
            throw element.error(`expected the faces of cell ${cell}, got the end of the array "faces"`);
          for (let i = 0; i < size; i++) connectivity!.push(stream[at++]!);
          offsets!.push(connectivity!.length);
        }
        if (faces < 0 || at !== ends[cell])
          throw element.error(`expected faces of cell ${cell} up to ${ends[cell]} in the array "faces", got ${at}`);
      }
      cellOffsets!.push(offsets!.length - 1);
    }
    return {
      connectivity: Int32Array.from(connectivity!),
      offsets: Int32Array.from(offsets!),
      cellOffsets: Int32Array.from(cellOffsets!),
    };
  }
}

function named(element: XmlElement, name: string): XmlElement {
  const array = element.children.find((child) => child.attribute("Name") === name);
  if (array === undefined) throw element.error(`expected an array "${name}" in ${titleOf(element)}, got none`);
  return array;
}

/** Ends of lists as offsets that begin with 0. */
function withZero(ends: Int32Array): Int32Array {
  const offsets = new Int32Array(ends.length + 1);
  offsets.set(ends, 1);
  return offsets;
}

function triple(values: readonly number[]): [number, number, number] {
  return [values[0]!, values[1]!, values[2]!];
}

/** The time that ParaView writes with a step of a transient case. */
function timeOf(fieldData: FieldMap): number | undefined {
  const array: NdArray | undefined = fieldData.get("TimeValue");
  return array === undefined || array.values.length === 0 ? undefined : Number(array.values[0]);
}
