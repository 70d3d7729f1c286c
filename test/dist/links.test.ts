import { execFileSync } from "node:child_process";
import { existsSync, readFileSync } from "node:fs";
import { dirname, join, normalize } from "node:path";

const root = join(__dirname, "..", "..");

function run(command: string, ...args: string[]): string {
  return execFileSync(command, args, { cwd: root, encoding: "utf8", maxBuffer: 1e8 });
}

/** Links of a page that are no web addresses: the page and the place in it. */
function linksOf(page: string): { path: string; anchor: string }[] {
  const text = readFileSync(join(root, page), "utf8").replace(/```[\s\S]*?```/g, "");
  return [...text.matchAll(/\]\((?!https?:)([^)#\s]*)(?:#([^)\s]+))?\)/g)].map(([, path = "", anchor = ""]) => ({
    path: path === "" ? page : normalize(join(dirname(page), path)),
    anchor,
  }));
}

/** The anchor that a heading gets: lower case, spaces to dashes, the rest of the punctuation dropped. */
function anchorsOf(page: string): string[] {
  const headings = readFileSync(join(root, page), "utf8").matchAll(/^#+ (.*)$/gm);
  return [...headings].map(([, text]) =>
    text!
      .toLowerCase()
      .replace(/[^\p{L}\p{N} _-]/gu, "")
      .replaceAll(" ", "-"),
  );
}

const pages = run("git", "ls-files", "*.md").trim().split("\n");

test.each(pages)("%s: every link leads to a file, and to a heading where it names one", (page) => {
  const broken = linksOf(page).filter(
    ({ path, anchor }) => !existsSync(join(root, path)) || (anchor !== "" && !anchorsOf(path).includes(anchor)),
  );
  expect(broken).toEqual([]);
});

/** Pages of docs/, with its folders. */
const manual = pages.filter((page) => /^docs\/.*\.md$/.test(page) && !page.startsWith("docs/api/"));

test("the index leads to every page", () => {
  const linked = new Set(linksOf("docs/index.md").map(({ path }) => path));
  expect(manual.filter((page) => page !== "docs/index.md" && !linked.has(page))).toEqual([]);
});

test("the site's sidebar has every page", () => {
  const config = readFileSync(join(root, "site", ".vitepress", "config.mjs"), "utf8");
  const listed = [...config.matchAll(/page\("[^"]*", "([\w/-]+)"\)/g)].map(([, name]) => `docs/${name}.md`);
  expect([...new Set(listed)].sort()).toEqual([...manual].sort());
});

/** Reference: written by scripts; (benchmarks) one section for each machine that was measured. */
const REFERENCE = /^docs\/(cli|nn|operators|conformance|benchmarks|configs\/[\w-]+)\.md$/;

test.each(["README.md", ...manual.filter((page) => !REFERENCE.test(page))])("%s has at most 1,500 words", (page) => {
  expect(readFileSync(join(root, page), "utf8").trim().split(/\s+/).length).toBeLessThanOrEqual(1500);
});

describe("the published package", () => {
  const [packed] = JSON.parse(run("npm", "pack", "--dry-run", "--json", "--ignore-scripts")) as [
    { files: { path: string }[] },
  ];
  const files = new Set(packed.files.map(({ path }) => path));

  test("holds every page that its own pages link to", () => {
    const ours = [...files].filter((path) => path.endsWith(".md"));
    expect(ours).toEqual(expect.arrayContaining(["README.md", "docs/install.md", "docs/torch.md"]));
    const missing = ours.flatMap((page) =>
      linksOf(page).flatMap(({ path }) => (files.has(path) ? [] : [`${page} -> ${path}`])),
    );
    expect(missing).toEqual([]);
  });

  test("gives no client a reason to compile or to run anything on install", () => {
    // pnpm, yarn and bun run node-gyp wherever the package's root holds a binding.gyp
    expect(files.has("binding.gyp")).toBe(false);
    const { scripts } = JSON.parse(readFileSync(join(root, "package.json"), "utf8")) as {
      scripts: Record<string, string>;
    };
    expect(Object.keys(scripts).filter((name) => /^(pre|post)?install$|^prepare$/.test(name))).toEqual([]);
    const { packages } = JSON.parse(readFileSync(join(root, "package-lock.json"), "utf8")) as {
      packages: Record<string, { dev?: boolean; hasInstallScript?: boolean }>;
    };
    const running = Object.entries(packages).filter(([, entry]) => entry.hasInstallScript && !entry.dev);
    expect(running.map(([path]) => path)).toEqual([]);
  });

  test("holds every script that the installed commands run", () => {
    expect([...files]).toEqual(
      expect.arrayContaining(["scripts/setup.mjs", "scripts/libtorch.mjs", "scripts/fetch-libtorch.sh", "scripts/wheel.py"]),
    );
  });
});
