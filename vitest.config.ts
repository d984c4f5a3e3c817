import { defineConfig } from "vitest/config";

/**
 * One run for all tests: unit tests beside their files, the rest under tests/. Files run in two
 * processes at most, because the machine that runs them also runs PostgreSQL and Temporal.
 */
export default defineConfig({
  test: {
    include: ["**/*.test.ts"],
    exclude: ["**/node_modules/**", "dist/**", ".aura/**"],
    globalSetup: ["tests/support/global-setup.ts"],
    maxWorkers: 2,
    testTimeout: 20_000,
    hookTimeout: 60_000,
    teardownTimeout: 20_000,
  },
});
