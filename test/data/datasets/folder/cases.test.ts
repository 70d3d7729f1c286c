import { mkdirSync } from "node:fs";
import { join } from "node:path";
import { findCases } from "../../../../lib/data/datasets/folder/cases";
import { failure, temporaryFolder, writeText } from "./support";

const root = temporaryFolder();
for (const name of ["case_1", "case_2", "case_10", ".hidden"]) mkdirSync(join(root, "data", name), { recursive: true });
for (const name of ["a/run_1", "a/run_2", "b/run_1"]) mkdirSync(join(root, "nested", name), { recursive: true });
for (const name of ["wing_2.vtu", "wing_12.vtu", "notes.txt"]) writeText(join(root, "files", name), "");

const names = (pattern: string | string[], exclude: string[] = []) =>
  findCases({ pattern, exclude }, root).map(({ name }) => name);

test("folders, in the order in which people count, hidden ones left out", () => {
  expect(names("data/*/")).toEqual(["case_1", "case_2", "case_10"]);
});
test("files, named without their ending", () => {
  expect(names("files/*.vtu")).toEqual(["wing_2", "wing_12"]);
  const [first] = findCases({ pattern: "files/*.vtu", exclude: [] }, root);
  expect(first).toEqual({ name: "wing_2", folder: join(root, "files"), file: join(root, "files", "wing_2.vtu") });
});
test("two levels: the name begins where the pattern begins to vary", () => {
  expect(names("nested/*/run_*/")).toEqual(["a/run_1", "a/run_2", "b/run_1"]);
});
test("one folder", () => {
  expect(names("data/case_2/")).toEqual(["case_2"]);
});
test("several patterns, a case that two of them find is one", () => {
  expect(names(["data/case_1/", "data/case_?/"])).toEqual(["case_1", "case_2"]);
});
test("two cases of one name", async () => {
  const message = await failure(() => names(["nested/a/*/", "nested/b/*/"]));
  expect(message).toMatch(/one case of each name.*"run_1".*nested\/a\/run_1.*nested\/b\/run_1/);
});
test("exclude, by name and by pattern", () => {
  expect(names("data/*/", ["case_2"])).toEqual(["case_1", "case_10"]);
  expect(names("data/*/", ["case_1*"])).toEqual(["case_2"]);
});
test("excluding what is not there", async () => {
  expect(await failure(() => names("data/*/", ["cas_2"]))).toMatch(/"cas_2".*no case.*did you mean "case_2"/);
});
test("excluding everything", async () => {
  expect(await failure(() => names("data/*/", ["*"]))).toMatch(/leaves out all 3/);
});
test("nothing found: what there is instead", async () => {
  expect(await failure(() => names("data/run_*/"))).toMatch(/"data\/run_\*\/".*none.*case_1/);
  expect(await failure(() => names("dota/*/"))).toMatch(/there is no .*dota/);
});
test("files are no folders", async () => {
  expect(await failure(() => names("files/*/"))).toMatch(/expected folders/);
});
test("folders and files together are hardly meant", async () => {
  writeText(join(root, "mixed", "table.csv"), "");
  writeText(join(root, "mixed", "case_1", "a.vtp"), "");
  expect(await failure(() => names("mixed/*"))).toMatch(/finds both \(case_1 and table\.csv\): write "mixed\/\*\/"/);
  expect(names("mixed/*/")).toEqual(["case_1"]);
});
test("an absolute pattern", () => {
  expect(findCases({ pattern: join(root, "data", "*/"), exclude: [] }, "/nowhere").length).toBe(3);
});
