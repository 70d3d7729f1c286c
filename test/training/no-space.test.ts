import { execFileSync } from "node:child_process";
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";

import { temporaryFolder } from "../support/small-run";
import { saveAt } from "./fixtures/save-with-little-space";
import { builtPackage } from "../support/child";

const folder = temporaryFolder();
afterAll(() => folder.remove());

test("a checkpoint for which there is no room leaves the previous one as it was", () => {
  saveAt(1, folder.path, "run");
  const checkpoints = join(folder.path, "run", "checkpoints");
  const read = () =>
    Object.fromEntries(readdirSync(checkpoints).map((name) => [name, readFileSync(join(checkpoints, name))]));
  const before = read();
  // Files of the child may have 64 KiB; the weights take 157.
  const script = join(__dirname, "fixtures", "save-with-little-space.ts");
  const command = `ulimit -f 64; exec "${process.execPath}" --require "${builtPackage}" "${script}" "${folder.path}" run`;
  const printed = execFileSync("bash", ["-c", command], { encoding: "utf8" });
  expect(printed).toMatch(
    /cannot write checkpoint file '.*wide_cp=latest_model.th'.*files that were there before are unchanged/,
  );
  expect(read()).toEqual(before);
});
