import { canonicalJson } from "../../schemas/canonical-json.ts";
import type { Pipeline } from "../../schemas/pipeline/pipeline.ts";
import { checkSemantics } from "../../schemas/pipeline/semantics.ts";
import { PlatformError } from "../../schemas/platform-error.ts";
import type { LiveSourceStore } from "../../stores/postgres/port/live.ts";

/**
 * The pipeline with the columns that the registry declares as personal beside its own: those of the live source that its
 * readings are of. What is personal as it comes is personal in a file.
 *
 * @throws {PlatformError} invalid_pipeline: something is made of such a column
 */
export async function withRegisteredPersonal(
  registry: Pick<LiveSourceStore, "versions">,
  pipeline: Pipeline,
): Promise<Pipeline> {
  const [name, readings] = Object.entries(pipeline.sources).find(([, { role }]) => role === "readings") ?? [];
  if (name === undefined || readings === undefined) return pipeline;
  const live = readings.live ?? pipeline.name;
  // As it is declared now: an admin who takes it back allows models to be made of the column.
  const registered = (await registry.versions(live))[0]?.document.pii ?? [];
  const { columns, pii = [] } = readings;
  const added = registered.filter(
    (one) => !pii.includes(one) && columns.some((column) => column.name === one),
  );
  if (added.length === 0) return pipeline;
  const sources = { ...pipeline.sources, [name]: { ...readings, pii: [...pii, ...added] } };
  const extended = { ...pipeline, sources };
  const before = new Set(checkSemantics(pipeline).map(canonicalJson));
  const problems = checkSemantics(extended).filter((problem) => !before.has(canonicalJson(problem)));
  if (problems.length === 0) return extended;
  const locations = problems.map(({ path, expected, found }) => ({ field: path.join("."), expected, found }));
  const [first] = locations;
  throw new PlatformError(
    "invalid_pipeline",
    `ingest ${name}: the live source ${live} declares ${added.join(", ")} as personal; ${first?.field}: expected ${first?.expected}, found ${first?.found}`,
    { locations },
  );
}
