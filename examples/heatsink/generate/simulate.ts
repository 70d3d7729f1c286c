import { copyFileSync, existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { readMesh } from "../../../lib/data/readers";
import { runProgram } from "../../bluff-body/generate/simulate";
import { linesOf, writeCase, writeTemperature } from "./foam";
import type { Heatsink } from "./heatsink";

/** Written when all programs have ended well. */
const DONE = "done";

/**
 * Meshes and solves the case of a heatsink in `folder`; one that is finished already is left as it is.
 *
 * @throws Error where the solution has not converged
 */
export async function simulate(folder: string, heatsink: Heatsink, refinement = 1): Promise<void> {
  if (existsSync(join(folder, DONE))) return;
  rmSync(folder, { recursive: true, force: true });
  const lines = linesOf(heatsink, refinement);
  writeCase(folder, lines);
  await runProgram(folder, "blockMesh");
  const mesh = await readMesh(folder, { fields: [] });
  writeTemperature(folder, heatsink, lines, mesh.blocks.get("underside")!);
  await runProgram(folder, "laplacianFoam");
  const log = readFileSync(join(folder, "log.laplacianFoam"), "utf8");
  const residual = Number(/Final residual = ([^,]+)/.exec(log)?.[1]);
  if (!(residual <= 1e-10)) throw new Error(`${folder} has not converged: final residual ${residual}`);
  writeFileSync(join(folder, DONE), "");
}

/** Copies what the data set keeps of a finished case: the mesh, and the temperature. */
export function keep(from: string, to: string): void {
  rmSync(to, { recursive: true, force: true });
  for (const [folder, wanted] of [
    ["constant/polyMesh", /^(points|faces|owner|neighbour|boundary)(\.gz)?$/],
    ["1", /^T(\.gz)?$/],
  ] as const) {
    mkdirSync(join(to, folder), { recursive: true });
    for (const name of readdirSync(join(from, folder)))
      if (wanted.test(name)) copyFileSync(join(from, folder, name), join(to, folder, name));
  }
}
