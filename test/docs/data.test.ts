/** docs/folder-dataset.md has every key of FolderDataset and DomainPipeline, and its example is a valid config. */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { readYaml, toPlain } from "../../lib/config";
import { validateConfig } from "../../lib/config/schema";
import {
  ConditionConfig,
  DomainConfig,
  DomainPipelineConfig,
  FolderDatasetConfig,
  PropertyConfig,
  STRATEGIES,
} from "../../lib/data";
import { COMPUTED } from "../../lib/data/datasets/folder/config";
import { DatasetBaseConfig } from "../../lib/data/base/dataset-config";

const page = readFileSync(join(__dirname, "..", "..", "docs", "folder-dataset.md"), "utf8");
const section = (title: string): string => page.split(new RegExp(`^## ${title}$`, "m"))[1]!.split(/^## /m)[0]!;
const own = Object.keys(FolderDatasetConfig.fields).filter((key) => !(key in DatasetBaseConfig.fields));

test.each([
  ...own,
  ...Object.keys(DomainConfig.fields),
  ...Object.keys(PropertyConfig.fields),
  ...Object.keys(ConditionConfig.fields),
  ...STRATEGIES,
  ...COMPUTED,
])("FolderDataset: `%s` is on the page", (key) => expect(section("FolderDataset")).toMatch(new RegExp(`\`${key}\``)));

test.each(Object.keys(DomainPipelineConfig.fields))("DomainPipeline: `%s` is on the page", (key) =>
  expect(section("DomainPipeline")).toMatch(new RegExp(`\`${key}[\`:]`)),
);

test("the example is a config", () => {
  const text = /```yaml\n(kind: noether\.data\.datasets\.FolderDataset[^]*?)```/.exec(page)![1]!;
  const config = validateConfig(FolderDatasetConfig, toPlain(readYaml(text, "folder-dataset.md")));
  expect(Object.keys(config.domains)).toEqual(["surface", "volume"]);
});
