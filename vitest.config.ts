import { defineConfig } from "vitest/config";

const NOT_TESTS = ["**/node_modules/**", "dist/**", ".aura/**"];
/** Files that put other modules in the place of real ones, which nobody else may see. */
const MOCKS_MODULES = ["api/trace/segment.test.ts"];

/**
 * One run for all tests: unit tests beside their files, the rest under tests/. Files run in two
 * processes at most, because the machine that runs them also runs PostgreSQL and Temporal.
 */
export default defineConfig({
  test: {
    maxWorkers: 2,
    testTimeout: 20_000,
    hookTimeout: 60_000,
    teardownTimeout: 20_000,
    projects: [
      {
        extends: true,
        test: {
          name: "units",
          include: ["**/*.test.ts"],
          exclude: [...NOT_TESTS, ...MOCKS_MODULES, "tests/**"],
          // Modules are read once for all files of a process: reading them takes longer than most of these tests.
          isolate: false,
        },
      },
      {
        extends: true,
        test: {
          name: "product",
          include: ["tests/**/*.test.ts", ...MOCKS_MODULES],
          exclude: NOT_TESTS,
          globalSetup: ["tests/support/global-setup.ts"],
        },
      },
    ],
  },
});
