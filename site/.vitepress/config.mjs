// The site of the pages: `npm run docs`. Pages stay where they are in the repository, so their links work in both.
import { fileURLToPath } from "node:url";
import { defineConfig } from "vitepress";

const root = fileURLToPath(new URL("../..", import.meta.url));
const library = (name) => fileURLToPath(import.meta.resolve(name));
const page = (text, name) => ({ text, link: `/docs/${name}` });

export default defineConfig({
  title: "noether-ts",
  description: "Neural surrogates of CFD and other physics, in TypeScript on libtorch",
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
  markdown: { config: (md) => md.set({ html: false }) },
  // links to sources and folders, which are no pages: test/dist/links.test.ts follows them
  ignoreDeadLinks: [/\/(?:lib|native|test|examples|scripts|LICENSE)(?:\/|$)/, /^\.\.?\/LICENSE/],
  // pages stand beside this folder, whose node_modules they would not find
  vite: { resolve: { alias: { "vue/server-renderer": library("vue/server-renderer"), vue: library("vue") } } },
  themeConfig: {
    search: { provider: "local" },
    outline: [2, 3],
    nav: [
      page("Tutorials", "your-own-case"),
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
          page("Following a run", "trackers"),
          page("Weights of another run", "initializers"),
          page("Predicting and exporting", "inference"),
          page("Files from anywhere", "io"),
          page("Making it faster", "performance"),
          page("The loader", "loader"),
          page("CUDA graphs", "capture"),
          page("GPUs", "gpu"),
        ],
      },
      {
        text: "Concepts",
        items: [
          page("Tensors and scopes", "torch"),
          page("Samples to batches", "data"),
          page("Models, anchors, queries", "modeling"),
          page("Files of tensors", "serialization"),
          page("Architecture", "architecture"),
          page("How it is tested", "testing"),
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
          page("Differences from Noether", "differences"),
          page("Compatibility", "compatibility"),
          page("Benchmarks", "benchmarks"),
          page("Dependencies", "dependencies"),
          { text: "Security", link: "/SECURITY" },
          { text: "Changelog", link: "/CHANGELOG" },
          { text: "Contributing", link: "/CONTRIBUTING" },
        ],
      },
    ],
  },
});
