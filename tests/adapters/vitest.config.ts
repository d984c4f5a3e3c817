import { defineConfig } from "vitest/config";

/** Adapters against the real thing: `npm run test:adapters`. What is not on this machine is skipped and says so. */
export default defineConfig({
  test: {
    root: new URL("../../", import.meta.url).pathname,
    include: ["tests/adapters/**/*.spec.ts"],
    globalSetup: ["tests/support/global-setup.ts"],
    maxWorkers: 1,
    testTimeout: 120_000,
    hookTimeout: 180_000,
    teardownTimeout: 20_000,
  },
});
