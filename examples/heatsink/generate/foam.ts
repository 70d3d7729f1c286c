import { mkdirSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import type { Mesh } from "../../../lib/data/readers";
import { CONDUCTIVITY, shareOnChip, type Heatsink } from "./heatsink";

/** Longest edges of the cells in mm: along the fins, up a fin, across a gap. */
const CELL = { along: 3, up: 3.5, across: 4 };
/** Cells across a fin, and the fewest across the base. */
const LAYERS = 2;

const header = (name: string, type = "dictionary") =>
  `FoamFile { version 2.0; format ascii; class ${type}; object ${name}; }\n`;

/** The lines of the mesh: where blocks end (mm), and the number of cells between. */
export interface Lines {
  /** Of the columns every second is a fin; a plate without room beside its fins has no other ones. */
  readonly columns: readonly {
    readonly from: number;
    readonly to: number;
    readonly cells: number;
    readonly fin: boolean;
  }[];
  /** One half of the depth, from the plane of symmetry on. */
  readonly along: { readonly length: number; readonly cells: number };
  readonly base: { readonly height: number; readonly cells: number };
  readonly fin: { readonly height: number; readonly cells: number };
}

/** The blocks of a heatsink; `refinement` divides each edge of the cells. */
export function linesOf(heatsink: Heatsink, refinement = 1): Lines {
  const { width, depth, fin_count, fin_thickness, fin_height, base_thickness } = heatsink;
  const gap = fin_count > 1 ? (width - fin_count * fin_thickness) / (fin_count - 1) : 0;
  const cells = (length: number, edge: number, least = 1) =>
    refinement * Math.max(least, Math.ceil(length / edge - 1e-9));
  const columns: Lines["columns"][number][] = [];
  for (let i = 0; i < fin_count; i++) {
    const from = -width / 2 + i * (fin_thickness + gap);
    const to = from + fin_thickness;
    columns.push({ from, to, cells: refinement * LAYERS, fin: true });
    if (i + 1 < fin_count) columns.push({ from: to, to: to + gap, cells: cells(gap, CELL.across, LAYERS), fin: false });
  }
  return {
    columns,
    along: { length: depth / 2, cells: cells(depth / 2, CELL.along) },
    base: { height: base_thickness, cells: cells(base_thickness, CELL.up, LAYERS) },
    fin: { height: fin_height, cells: cells(fin_height, CELL.up) },
  };
}

/** Distances from the middle of a cell to its face on each of the cooled patches, in m. */
function cellToFace({ columns, along, base, fin }: Lines): Record<string, number> {
  const half = (length: number, cells: number) => length / cells / 2000;
  const first = columns[0]!;
  return {
    fins: half(first.to - first.from, first.cells),
    tips: half(fin.height, fin.cells),
    gaps: half(base.height, base.cells),
    ends: half(along.length, along.cells),
  };
}

function blockMesh({ columns, along, base, fin }: Lines): string {
  const levels = [0, base.height, base.height + fin.height];
  const xs = [columns[0]!.from, ...columns.map(({ to }) => to)];
  const numbers = new Map<string, number>();
  const vertices: string[] = [];
  const vertex = (i: number, j: number, k: number) => {
    const key = `${i},${j},${k}`;
    let number = numbers.get(key);
    if (number === undefined) {
      number = vertices.length;
      numbers.set(key, number);
      vertices.push(`(${xs[i]} ${j * along.length} ${levels[k]})`);
    }
    return number;
  };
  const blocks: string[] = [];
  const patches: Record<string, string[]> = { underside: [], fins: [], tips: [], gaps: [], ends: [], middle: [] };
  const face = (patch: string, ...corners: [number, number, number][]) =>
    patches[patch]!.push(`(${corners.map((corner) => vertex(...corner)).join(" ")})`);
  for (const [i, column] of columns.entries()) {
    for (const [k, layer] of [base, fin].entries()) {
      if (k === 1 && !column.fin) continue;
      const corners = [k, k + 1].flatMap((level) => [
        vertex(i, 0, level),
        vertex(i + 1, 0, level),
        vertex(i + 1, 1, level),
        vertex(i, 1, level),
      ]);
      blocks.push(`hex (${corners.join(" ")}) (${column.cells} ${along.cells} ${layer.cells}) simpleGrading (1 1 1)`);
      face("middle", [i, 0, k], [i + 1, 0, k], [i + 1, 0, k + 1], [i, 0, k + 1]);
      face("ends", [i, 1, k], [i, 1, k + 1], [i + 1, 1, k + 1], [i + 1, 1, k]);
      // the sides of the base go on those of the outer fins
      if (k === 1 || i === 0) face("fins", [i, 0, k], [i, 0, k + 1], [i, 1, k + 1], [i, 1, k]);
      if (k === 1 || i + 1 === columns.length)
        face("fins", [i + 1, 0, k], [i + 1, 1, k], [i + 1, 1, k + 1], [i + 1, 0, k + 1]);
    }
    face("underside", [i, 0, 0], [i, 1, 0], [i + 1, 1, 0], [i + 1, 0, 0]);
    const top = column.fin ? 2 : 1;
    face(column.fin ? "tips" : "gaps", [i, 0, top], [i + 1, 0, top], [i + 1, 1, top], [i, 1, top]);
  }
  const boundary = Object.entries(patches).flatMap(([name, faces]) =>
    faces.length === 0
      ? []
      : [`${name} { type ${name === "middle" ? "symmetryPlane" : "patch"}; faces (${faces.join(" ")}); }`],
  );
  return `${header("blockMeshDict")}
scale 0.001;
vertices (${vertices.join(" ")});
blocks (${blocks.join("\n")});
boundary (${boundary.join("\n")});
`;
}

/**
 * The temperature above that of the air, in K. A patch in air loses h·T per area: a mixed condition with the value 0 and the fraction
 * h / (h + k/d), d from the cell to the face. The heat of the chip is a gradient, on each face of the underside the share that it covers.
 */
function temperature(heatsink: Heatsink, lines: Lines, underside: Mesh): string {
  const { chip_size, power, convection } = heatsink;
  const flux = power / (chip_size / 1000) ** 2;
  const { connectivity, offsets } = underside.cells;
  const gradients = Array.from({ length: underside.numberOfCells }, (_, face) => {
    const corners = Array.from(connectivity.slice(offsets[face], offsets[face + 1]));
    const range = (axis: number) => {
      const values = corners.map((corner) => underside.points[3 * corner + axis]!);
      return [Math.min(...values), Math.max(...values)] as const;
    };
    return (flux / CONDUCTIVITY) * shareOnChip(heatsink, range(0), range(1));
  });
  const mixed = (name: string, gradient: string, fraction: number) =>
    `${name} { type mixed; refValue uniform 0; refGradient ${gradient}; valueFraction uniform ${fraction}; value uniform 0; }`;
  const cooled = Object.entries(cellToFace(lines)).filter(
    ([name]) => name !== "gaps" || lines.columns.some(({ fin }) => !fin),
  );
  return `${header("T", "volScalarField")}dimensions [0 0 0 1 0 0 0];
internalField uniform 0;
boundaryField {
  middle { type symmetryPlane; }
  ${mixed("underside", `nonuniform List<scalar> ${gradients.length} (${gradients.join(" ")})`, 0)}
  ${cooled.map(([name, distance]) => mixed(name, "uniform 0", convection / (convection + CONDUCTIVITY / distance))).join("\n  ")}
}
`;
}

const controlDict = `${header("controlDict")}
application laplacianFoam; startFrom startTime; startTime 0; stopAt endTime; endTime 1; deltaT 1;
writeControl timeStep; writeInterval 1; purgeWrite 0; writeFormat ascii; writePrecision 6; writeCompression on; timeFormat general; timePrecision 6; runTimeModifiable false;
`;

const fvSchemes = `${header("fvSchemes")}
ddtSchemes { default steadyState; }
gradSchemes { default Gauss linear; }
divSchemes { default none; }
laplacianSchemes { default Gauss linear orthogonal; }
interpolationSchemes { default linear; }
snGradSchemes { default orthogonal; }
`;

// the equation is linear: one solution to the end, no iterations around it
const fvSolution = `${header("fvSolution")}
solvers { T { solver PCG; preconditioner DIC; tolerance 1e-10; relTol 0; maxIter 5000; } }
SIMPLE { nNonOrthogonalCorrectors 0; }
`;

function write(folder: string, files: Readonly<Record<string, string>>): void {
  for (const [name, text] of Object.entries(files)) {
    mkdirSync(dirname(join(folder, name)), { recursive: true });
    writeFileSync(join(folder, name), text);
  }
}

/** Writes the case of a heatsink, ready for blockMesh. */
export function writeCase(folder: string, lines: Lines): void {
  write(folder, {
    // the solution of the steady equation does not depend on it; the conductivity is in the conditions of the patches
    "constant/transportProperties": `${header("transportProperties")}DT DT [0 2 -1 0 0 0 0] 1;\n`,
    "system/blockMeshDict": blockMesh(lines),
    "system/controlDict": controlDict,
    "system/fvSchemes": fvSchemes,
    "system/fvSolution": fvSolution,
  });
}

/** Writes the field that the solver starts from; `underside` is the patch of that name of the finished mesh. */
export function writeTemperature(folder: string, heatsink: Heatsink, lines: Lines, underside: Mesh): void {
  write(folder, { "0/T": temperature(heatsink, lines, underside) });
}
