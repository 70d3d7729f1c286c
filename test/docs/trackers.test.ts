import { readFileSync } from "node:fs";
import { join } from "node:path";
import "../../lib";
import { readYaml, toPlain } from "../../lib/config";
import { registeredKinds } from "../../lib/config/registry";
import { AnyTracker } from "../../lib/core/trackers";

const page = readFileSync(join(__dirname, "..", "..", "docs", "trackers.md"), "utf8");

test("the config of the page is valid", () => {
  const [, yaml = ""] = /```yaml\n([^]*?)```/.exec(page) ?? [];
  const config = toPlain(readYaml(yaml, "trackers.md")) as { tracker: object };
  expect(AnyTracker.parse(config.tracker)).toMatchObject({ trackers: [{ log_dir: "runs" }, { experiment: "wings" }] });
});

test("every tracker has its row", () => {
  const names = registeredKinds().flatMap(
    (kind) => /^noether\.core\.trackers\.([A-Z]\w*Tracker)$/.exec(kind)?.[1] ?? [],
  );
  const rows = [...page.matchAll(/^\| `(\w+Tracker)` \|/gm)].map(([, name]) => name);
  expect([...rows, "NoopTracker"].sort()).toEqual(names.sort());
});
