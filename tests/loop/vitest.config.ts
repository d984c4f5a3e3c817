import { defineConfig } from "vitest/config";

/** What happens after a model is served, on real platforms and longer than `npm test` may take: `npm run test:loop`. */
export default defineConfig({
  test: {
    root: new URL("../../", import.meta.url).pathname,
    include: ["tests/loop/**/*.spec.ts"],
    globalSetup: ["tests/support/global-setup.ts"],
    maxWorkers: 1,
    testTimeout: 180_000,
    hookTimeout: 180_000,
    teardownTimeout: 20_000,
  },
});
