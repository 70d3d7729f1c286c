/** An OpenFOAM case in text: two unit cubes side by side along x, with the patches `body` (their bottoms) and `rest`. */
import { join } from "node:path";
import { writeText } from "./support";

const head = (type: string, name: string): string =>
  `FoamFile { version 2.0; format ascii; class ${type}; object ${name}; }\n`;

/** @param pressure of the two cells; times are folders with `p`, `U` */
export function writeOpenFoamCase(folder: string, times: Record<string, [number, number]>): void {
  const mesh = (name: string, type: string, text: string) =>
    writeText(join(folder, "constant", "polyMesh", name), head(type, name) + text);
  const points: string[] = [];
  for (const z of [0, 1]) for (const y of [0, 1]) for (const x of [0, 1, 2]) points.push(`(${x} ${y} ${z})`);
  // point (x, y, z) is x + 3 y + 6 z; the inner face first, then the bottoms, then the rest
  const faces = [
    "4(1 4 10 7)",
    "4(0 3 4 1)",
    "4(1 4 5 2)",
    "4(6 7 10 9)",
    "4(7 8 11 10)",
    "4(0 1 7 6)",
    "4(1 2 8 7)",
    "4(3 9 10 4)",
    "4(4 10 11 5)",
    "4(0 6 9 3)",
    "4(2 5 11 8)",
  ];
  mesh("points", "vectorField", `${points.length}(${points.join(" ")})\n`);
  mesh("faces", "faceList", `${faces.length}(${faces.join(" ")})\n`);
  mesh("owner", "labelList", `11(0 0 1 0 1 0 1 0 1 0 1)\n`);
  mesh("neighbour", "labelList", `1(1)\n`);
  mesh(
    "boundary",
    "polyBoundaryMesh",
    `2( body { type wall; nFaces 2; startFace 1; } rest { type patch; nFaces 8; startFace 3; } )\n`,
  );
  for (const [time, [first, second]] of Object.entries(times)) {
    const patches = `body { type fixedValue; value nonuniform List<scalar> 2(${first + 0.5} ${second + 0.5}); } rest { type zeroGradient; }`;
    writeText(
      join(folder, time, "p"),
      `${head("volScalarField", "p")}dimensions [0 2 -2 0 0 0 0];\ninternalField nonuniform List<scalar> 2(${first} ${second});\nboundaryField { ${patches} }\n`,
    );
    writeText(
      join(folder, time, "U"),
      `${head("volVectorField", "U")}dimensions [0 1 -1 0 0 0 0];\ninternalField uniform (1 2 3);\nboundaryField { body { type noSlip; } rest { type zeroGradient; } }\n`,
    );
  }
}
