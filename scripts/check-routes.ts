import { z } from "zod";
import { ROLES } from "../api/http/auth.ts";
import type { Route } from "../api/routes/route.ts";
import { ROUTES } from "../api/routes/table.ts";

/**
 * Fails when a route of the API has no policy, a weak one, or stands twice: `npm run check:routes`.
 *
 * A policy that is missing would be a type error as well; this holds what types cannot say. Public routes
 * are listed here by name, so that making one public takes two edits in two files.
 */

const PUBLIC: ReadonlySet<string> = new Set([
  "get /livez",
  "get /readyz",
  "get /v2/health/live",
  "get /v2/health/ready",
  "get /openapi.json",
  "get /docs",
  // Its URL is the permission: a secret that takes one file.
  "put /uploads/{secret}",
]);

const policySchema = z.strictObject({
  public: z.literal(true).optional(),
  role: z.enum(ROLES),
  scope: z.enum(["any", "all-sites"]),
});

/** Problems of a route table, one line each. */
export function routeProblems(routes: readonly Pick<Route, "method" | "path" | "policy">[]): string[] {
  const problems: string[] = [];
  const seen = new Set<string>();
  for (const { method, path, policy } of routes) {
    const name = `${method} ${path}`;
    if (seen.has(name)) problems.push(`${name}: stands twice in the table`);
    seen.add(name);
    const parsed = policySchema.safeParse(policy);
    if (!parsed.success) {
      problems.push(`${name}: no valid policy (${parsed.error.issues[0]?.message})`);
      continue;
    }
    if (parsed.data.public === true && !PUBLIC.has(name))
      problems.push(`${name}: is public, but not on the public list`);
    const isChanging = method !== "get" && !/predict$|infer$|\/v1\/features$|features\/history$/.test(path);
    if (isChanging && policy.role === "viewer")
      problems.push(`${name}: changes state, so a viewer must not call it`);
  }
  return problems;
}

function main(): void {
  const problems = routeProblems(ROUTES);
  for (const problem of problems) process.stderr.write(`${problem}\n`);
  process.stdout.write(`${ROUTES.length} routes, ${problems.length} without a sound policy\n`);
  process.exitCode = problems.length === 0 ? 0 : 1;
}

if (process.argv[1]?.endsWith("check-routes.js") === true) main();
