import { writeFileSync } from "node:fs";
import { isFlocked } from "../../../lib/io/files/flock";
import { hasFlock, holdFlock } from "../../support/flock";
import { temporaryFolder } from "../../support/temporary-folder";

const folder = temporaryFolder();
const onLinux = hasFlock ? test : test.skip;

test("a file without a lock, and one that is not there", async () => {
  writeFileSync(folder.at("free"), "");
  expect(await isFlocked(folder.at("free"))).toBe(false);
  expect(await isFlocked(folder.at("missing"))).toBe(false);
});

onLinux("the lock of another process, as long as it is held, on that file only", async () => {
  writeFileSync(folder.at("other"), "");
  const held = await holdFlock(folder.at("file"));
  expect(await isFlocked(folder.at("file"))).toBe(true);
  expect(await isFlocked(folder.at("other"))).toBe(false);
  await held.release();
  expect(await isFlocked(folder.at("file"))).toBe(false);
});
