import { readFileSync } from "node:fs";
import { join } from "node:path";
import { expect, it } from "vitest";
import { packageRoot } from "../config/package-root.ts";
import { SEARCH_ATTRIBUTES } from "./constants.ts";
import { devServerArguments } from "./dev-server.ts";
import { TEMPORAL_CLI_VERSION } from "./server-download.ts";

it("binds loopback and registers every search attribute", () => {
  const args = devServerArguments({ databaseFile: "/x.db", port: 1, uiPort: 2, namespace: "plant" });
  expect(args).toContain("--ip=127.0.0.1");
  for (const name of Object.values(SEARCH_ATTRIBUTES)) expect(args).toContain(`${name}=Keyword`);
  expect(args.join(" ")).toContain("--namespace plant");
});

it("stays within the ten Keyword attributes SQLite has room for", () => {
  expect(Object.keys(SEARCH_ATTRIBUTES).length).toBeLessThanOrEqual(10);
});

it("builds the version it downloads", () => {
  const goMod = readFileSync(join(packageRoot(), "temporal-config/dev-server-module/go.mod"), "utf8");
  expect(goMod).toContain(`github.com/temporalio/cli v${TEMPORAL_CLI_VERSION}\n`);
});
