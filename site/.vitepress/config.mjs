// The site of the pages: `npm run docs`. Pages stay where they are in the repository, so their links work in both.
import { createRequire } from "node:module";
import { dirname } from "node:path";
import { fileURLToPath } from "node:url";
import { defineConfig } from "vitepress";

const root = fileURLToPath(new URL("../..", import.meta.url));
/** The folder of a library, so that it is the bundler that chooses among its builds: Node's own would not run in a browser. */
const library = (name) => dirname(createRequire(import.meta.url).resolve(`${name}/package.json`));
const page = (text, name) => ({ text, link: `/docs/${name}` });

/** Links that are called by their file, `config.md`, are called `config` here. */
const nameLinks = ({ tokens }) => {
  for (const { children } of tokens)
    for (const [at, token] of (children ?? []).entries())
      if (token.type === "text" && children[at - 1]?.type === "link_open")
        token.content = token.content.replace(/^([\w-]+)\.md$/, (_, name) => name.replaceAll("-", " "));
};

// wide enough for tables, and no icon is asked for
const STYLE = ".VPDoc .content, .VPDoc.has-aside .content-container { max-width: 960px !important; }";

export default defineConfig({
  title: "noether-ts",
  description: "Neural surrogates of CFD and other physics, in TypeScript on libtorch",
  head: [
    ["link", { rel: "icon", href: "data:," }],
    ["style", {}, STYLE],
  ],
  srcDir: root,
  // what is a page: docs, the front matter of the repository, and the READMEs that they link to
  srcExclude: [
    "{lib,test,scripts,benchmarks,templates,site,packages,outputs,dist,coverage}/**",
    "**/node_modules/**",
    "native/build/**",
  ],
  outDir: fileURLToPath(new URL("../dist", import.meta.url)),
  cacheDir: fileURLToPath(new URL("../node_modules/.cache", import.meta.url)),
  rewrites: { "README.md": "index.md" },
  lastUpdated: false,
  // angle brackets in prose are placeholders, not elements
  markdown: { config: (md) => md.set({ html: false }).core.ruler.push("page names", nameLinks) },
  // links to sources and folders, which are no pages: test/dist/links.test.ts follows them
  ignoreDeadLinks: [/\/(?:lib|native|test|examples|scripts|LICENSE)(?:\/|$)/, /^\.\.?\/LICENSE/],
  // pages stand beside this folder, whose node_modules they would not find
  vite: { resolve: { alias: { vue: library("vue") } } },
  themeConfig: {
    search: { provider: "local" },
    outline: [2, 3],
    nav: [
      page("Tutorials", "first-model"),
      page("How to", "commands"),
      page("Concepts", "torch"),
      page("Reference", "cli"),
      { text: "API", link: "/api/index.html", target: "_blank" },
      page("Gallery", "gallery"),
      page("Glossary", "glossary"),
    ],
    sidebar: [
      {
        text: "Start",
        items: [
          { text: "What it is", link: "/" },
          page("All pages", "index"),
          page("Gallery", "gallery"),
          page("Glossary", "glossary"),
        ],
      },
      {
        text: "Tutorials",
        items: [
          page("Installation", "install"),
          page("First model", "first-model"),
          page("Your own case", "your-own-case"),
          page("From a project in Python", "migrating-from-python"),
          page("Serving", "serving"),
          page("Several GPUs", "distributed"),
        ],
      },
      {
        text: "How to",
        items: [
          page("Commands", "commands"),
          page("Configs", "config"),
          page("Data sets without code", "folder-dataset"),
          page("Training", "training"),
          page("Optimizers and schedules", "optimizers"),
          page("A callback of your own", "your-own-callback"),
          page("What a run writes", "runs"),
          page("Sweeps and jobs", "sweeps-and-jobs"),
          page("Following a run", "trackers"),
          page("Weights of another run", "initializers"),
          page("Predicting and evaluating", "inference"),
          page("Forces", "forces"),
          page("A run in one file", "export"),
          page("Files from anywhere", "io"),
          page("Making it faster", "performance"),
          page("The loader", "loader"),
          page("CUDA graphs", "capture"),
          page("GPUs", "gpu"),
          page("Scaling", "scaling"),
          page("Messages of the installation", "install-messages"),
        ],
      },
      {
        text: "Concepts",
        items: [
          page("PyTorch in TypeScript", "torch"),
          page("Spelling", "torch/spelling"),
          page("Memory and scopes", "torch/memory"),
          page("Derivatives", "torch/autograd"),
          page("Models of Python", "torch/models-of-python"),
          page("Mistakes", "torch/mistakes"),
          page("Where numbers differ", "torch/numerics"),
          page("Samples to batches", "data"),
          page("Models, anchors, queries", "modeling"),
          page("Checkpoints", "checkpoints"),
          page("Determinism", "determinism"),
          page("Start-up", "start-up"),
          page("Files of tensors", "serialization"),
        ],
      },
      {
        text: "Reference",
        items: [
          page("Command line", "cli"),
          page("Operators", "operators"),
          page("Modules", "nn"),
          page("Conformance", "conformance"),
          page("Callbacks", "callbacks"),
          page("Readers", "readers"),
          page("Coverage of Noether", "coverage"),
          page("Compatibility", "compatibility"),
          page("Benchmarks", "benchmarks"),
        ],
      },
      {
        text: "Configs: every class and key",
        collapsed: true,
        items: [
          page("Run and trainer", "configs/run"),
          page("Models", "configs/models"),
          page("Blocks and layers", "configs/modules"),
          page("Data", "configs/data"),
          page("Callbacks and trackers", "configs/callbacks"),
          page("Optimizers and schedules", "configs/optimizers"),
        ],
      },
      {
        text: "Differences from Noether",
        collapsed: true,
        items: [
          page("The first ones", "differences"),
          page("Models", "differences/models"),
          page("Runs, checkpoints, configs", "differences/runs"),
          page("Training and callbacks", "differences/training"),
          page("Optimizers and schedules", "differences/optimizers"),
          page("Data", "differences/data"),
          page("Fetching and verifying", "differences/files"),
          page("Release 2026.4", "differences/release-2026-4"),
          page("Release 2026.4: models", "differences/release-2026-4-models"),
        ],
      },
      {
        text: "How it is made",
        collapsed: true,
        items: [
          page("Architecture", "architecture"),
          page("Folders", "folders"),
          page("Where to add what", "extending"),
          page("How it is tested", "testing"),
          page("Dependencies", "dependencies"),
          { text: "Security", link: "/SECURITY" },
          { text: "Changelog", link: "/CHANGELOG" },
          { text: "Contributing", link: "/CONTRIBUTING" },
        ],
      },
    ],
  },
});
