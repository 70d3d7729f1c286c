import eslint from "@eslint/js";
import tseslint from "typescript-eslint";
import { layers } from "./scripts/eslint-layers.mjs";

export default tseslint.config(
  {
    ignores: [
      "**/.*",
      "dist/",
      "site/dist/",
      "coverage/",
      "outputs/",
      "native/",
      "**/*.generated.ts",
      "test/golden/",
      "**/fixtures/",
    ],
  },
  eslint.configs.recommended,
  {
    // runs in a browser, bundled
    files: ["templates/viewer/*.mjs"],
    languageOptions: {
      globals: Object.fromEntries(
        [
          "AbortController",
          "atob",
          "Blob",
          "btoa",
          "devicePixelRatio",
          "document",
          "fetch",
          "location",
          "matchMedia",
          "Option",
          "ResizeObserver",
          "URL",
          "URLSearchParams",
        ].map((name) => [name, "readonly"]),
      ),
    },
  },
  {
    // runs in a browser, bundled
    files: ["templates/dashboard/*.mjs"],
    languageOptions: {
      globals: Object.fromEntries(
        [
          "clearTimeout",
          "console",
          "document",
          "Element",
          "EventSource",
          "fetch",
          "getComputedStyle",
          "innerHeight",
          "innerWidth",
          "IntersectionObserver",
          "localStorage",
          "location",
          "matchMedia",
          "Node",
          "ResizeObserver",
          "setTimeout",
          "URLSearchParams",
        ].map((name) => [name, "readonly"]),
      ),
    },
  },
  {
    // runs in a browser
    files: ["templates/picture/*.js"],
    languageOptions: {
      sourceType: "script",
      globals: Object.fromEntries(
        [
          "atob",
          "cancelAnimationFrame",
          "clearTimeout",
          "document",
          "getComputedStyle",
          "ImageData",
          "matchMedia",
          "requestAnimationFrame",
          "ResizeObserver",
          "setTimeout",
          "window",
        ].map((name) => [name, "readonly"]),
      ),
    },
  },
  {
    files: ["**/*.ts"],
    extends: [tseslint.configs.recommendedTypeChecked],
    languageOptions: { parserOptions: { project: "./tsconfig.json", tsconfigRootDir: import.meta.dirname } },
    plugins: { noether: { rules: { layers } } },
    rules: {
      "noether/layers": "error",
      "@typescript-eslint/consistent-type-imports": ["error", { fixStyle: "separate-type-imports" }],
      "@typescript-eslint/no-floating-promises": "error",
      "@typescript-eslint/no-unused-vars": [
        "error",
        { argsIgnorePattern: "^_", varsIgnorePattern: "^_", caughtErrorsIgnorePattern: "^_" },
      ],
      "@typescript-eslint/prefer-as-const": "error",
      // base classes declare async methods that an implementation may answer at once
      "@typescript-eslint/require-await": "off",
      // whatever came is shown in messages as it prints itself
      "@typescript-eslint/no-base-to-string": "off",
      "@typescript-eslint/restrict-template-expressions": "off",
      // a dtype or device parameter lists its usual values beside `string` for those who read the type
      "@typescript-eslint/no-redundant-type-constituents": "off",
      // an assertion also says what a value is where TypeScript would take any; the rule removes some that the types need
      "@typescript-eslint/no-unnecessary-type-assertion": "off",
      // a config file, a checkpoint and a native result are checked where they enter, by schema or by hand
      "@typescript-eslint/no-unsafe-enum-comparison": "off",
      eqeqeq: ["error", "always", { null: "ignore" }],
      "no-console": "off",
    },
  },
  {
    files: ["lib/**/*.ts"],
    rules: {
      "no-restricted-syntax": [
        "error",
        {
          selector: "TSAsExpression > TSAsExpression > TSUnknownKeyword",
          message: "`as unknown as` hides what the types know: narrow the value, or give it its type where it is made",
        },
      ],
    },
  },
  {
    // tests look inside results whose type says `unknown` or `any`, and call with wrong types on purpose
    files: ["test/**/*.ts", "benchmarks/**/*.ts"],
    rules: {
      "@typescript-eslint/no-explicit-any": "off",
      "@typescript-eslint/no-unsafe-argument": "off",
      "@typescript-eslint/no-unsafe-assignment": "off",
      "@typescript-eslint/no-unsafe-call": "off",
      "@typescript-eslint/no-unsafe-member-access": "off",
      "@typescript-eslint/no-unsafe-return": "off",
      "@typescript-eslint/unbound-method": "off",
    },
  },
  {
    // the test runner of Node takes care of the promises of its tests
    files: ["templates/**/*.test.ts"],
    rules: { "@typescript-eslint/no-floating-promises": "off" },
  },
  {
    files: ["**/*.{mjs,cjs,js}"],
    languageOptions: {
      globals: Object.fromEntries(
        [
          "process",
          "console",
          "URL",
          "Buffer",
          "setTimeout",
          "clearTimeout",
          "setImmediate",
          "performance",
          "require",
          "module",
          "__dirname",
          "__filename",
          "fetch",
          "location",
          "globalThis",
          "AbortController",
        ].map((name) => [name, "readonly"]),
      ),
    },
    rules: {
      "no-unused-vars": [
        "error",
        { argsIgnorePattern: "^_", varsIgnorePattern: "^_", caughtErrorsIgnorePattern: "^_" },
      ],
    },
  },
);
