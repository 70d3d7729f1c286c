import { mkdirSync } from "node:fs";
import { dataPreprocess } from "../../lib/cli/data-preprocess";
import { temporaryFolder } from "../support/temporary-folder";

const folder = temporaryFolder();
let printed = "";
beforeEach(() => {
  printed = "";
  jest.spyOn(console, "log").mockImplementation((text) => void (printed += String(text)));
  jest.spyOn(process.stdout, "write").mockImplementation((text) => {
    printed += String(text);
    return true;
  });
  jest.spyOn(console, "error").mockImplementation((text) => void (printed += String(text)));
});
afterEach(() => jest.restoreAllMocks());

test("the help fits a terminal, and says what the exit codes are", async () => {
  expect(await dataPreprocess(["--help"])).toBe(0);
  for (const line of printed.split("\n")) expect(line.length).toBeLessThanOrEqual(80);
  expect(printed).toContain("Exit codes: 0 done, 1 failed");
  expect(await dataPreprocess([])).toBe(2);
});

test.each([
  [["ahmed"], 'there is no data set "ahmed" to preprocess'],
  [["ahmedml", "drivaerml"], "expected one data set, received ahmedml drivaerml"],
  [["ahmedml", "--root", "x"], "expected --output-dir for ahmedml"],
  [["ahmedml", "--output-dir", "x"], "expected --root for ahmedml"],
  [["ahmedml", "--root", "x", "--output-dir", "y", "--dry-run"], "ahmedml has no option --dry-run"],
  [["emmi-wing-hf", "--root", "x", "--output-dir", "y"], "emmi-wing-hf has no option --root"],
  [
    ["drivaernet", "--root", "x", "--output-dir", "y", "--subsample-factor", "0"],
    '--subsample-factor: expected a whole number of at least 1, got "0"',
  ],
])("%j", async (args, message) => {
  await expect(dataPreprocess(args)).rejects.toThrow(message);
});

test("options reach the data set", async () => {
  const args = ["--root", folder.at("raw"), "--output-dir", folder.at("out")];
  mkdirSync(folder.at("raw"));
  await expect(dataPreprocess(["shapenet-car", ...args, "--dry-run"])).rejects.toThrow("expected param0 to param8");
  await expect(dataPreprocess(["drivaerml", ...args])).rejects.toThrow("expected folders run_<id>");
  await expect(dataPreprocess(["drivaernet", ...args])).rejects.toThrow(/PressureVTK, but there is none/);
});
