import type { DatasetManifest } from "../schemas/data/dataset.ts";
import type { OperatorName } from "../schemas/pipeline/features.ts";
import type { Pipeline } from "../schemas/pipeline/pipeline.ts";
import { weightColumnOf } from "../schemas/pipeline/pipeline.ts";
import type { Source } from "../schemas/pipeline/source.ts";
import { isPlatformError, PlatformError } from "../schemas/platform-error.ts";
import type { ErrorLocation } from "../schemas/platform-error.ts";
import { DatasetResolver, invalidPipeline } from "./expand-context.ts";
import { sealView } from "./feature-view.ts";
import type { FeatureView, ViewCheck, ViewFeature, ViewTime } from "./feature-view.ts";
import { compileLabel } from "./labels/compile-label.ts";
import type { ConcreteFeature } from "./operators/operator.ts";
import { OPERATORS } from "./operators/table.ts";

const MAX_FEATURES = 5_000;

/**
 * Resolves the declared features and the label against the schema of a dataset.
 *
 * @returns a view: plain JSON; the same pipeline and schema give the same hash, whatever the data
 * @throws {PlatformError} invalid_pipeline: unknown columns or sources, spans that do not fit the time, operators that
 *   need a series where there is none; one location per problem, each with its field path
 */
export function compileView(pipeline: Pipeline, manifest: DatasetManifest): FeatureView {
  const source = readingsSource(pipeline);
  const declared = pipeline.sources[source];
  const keys = [declared?.asset, declared?.time?.column].filter((name) => name !== undefined);
  const resolver = new DatasetResolver(manifest, source, {
    keys,
    labels: [pipeline.label.kind === "column" ? pipeline.label.column : undefined, weightColumnOf(pipeline)],
  });
  const problems: ErrorLocation[] = [];
  const collect = <T>(work: () => T): T | undefined => collectProblems(problems, work);
  const ofFile = pipeline.features.flatMap(
    (declaration, i) => collect(() => expandDeclaration(declaration, i, resolver)) ?? [],
  );
  const features = [...ofFile, ...(collect(() => presentValue(pipeline, resolver)) ?? [])];
  const regimes = pipeline.regimes && collect(() => resolveRegimes(pipeline, resolver));
  resolver.enter("");
  const label = collect(() => compileLabel(pipeline, resolver));
  const weight = collect(() => weightOf(pipeline, resolver));
  if (problems.length > 0 || label === undefined) throw invalidView(problems);
  if (features.length > MAX_FEATURES)
    throw invalidPipeline("features", `at most ${MAX_FEATURES} features`, String(features.length));
  const { readings, derived, timeKind } = resolver;
  return sealView({
    kind: "aura.view/1",
    source,
    hasAsset: readings.hasAsset,
    timeKind,
    ...(timeKind === "timestamp" ? { times: timesOf(pipeline) } : {}),
    ...checksOf(declared, readings.personal ?? []),
    columns: resolver.usedColumns(regimes?.columns ?? []).map(({ name, physical, type, unit }) => ({
      name,
      physical,
      type,
      ...(unit === undefined ? {} : { unit }),
    })),
    derived,
    ...(regimes === undefined ? {} : { regimes }),
    features: features.map((feature, i): ViewFeature => ({ ...feature, physical: `f${i}` })),
    label,
    ...(weight === undefined ? {} : { weight }),
  });
}

/** Where the stored readings have the weight of a row. */
function weightOf(pipeline: Pipeline, resolver: DatasetResolver): FeatureView["weight"] {
  const name = weightColumnOf(pipeline);
  if (name === undefined) return undefined;
  const { physical, type } = resolver.columnOf(resolver.readings, name, "training.weight.column");
  if (type === "text" || type === "timestamp")
    return resolver.fail("training.weight.column", "a numeric column", `${name} of type ${type}`);
  return { physical };
}

function timesOf({ sources }: Pipeline): Record<string, ViewTime> {
  return Object.fromEntries(
    Object.entries(sources).flatMap(([name, { time }]) => {
      if (time?.kind !== "timestamp") return [];
      const { timezone, format, epochUnit } = time;
      const declared = { timezone, ...(format === undefined ? {} : { format }) };
      return [[name, { ...declared, ...(epochUnit === undefined ? {} : { epochUnit }) }]];
    }),
  );
}

/** Personal columns are not looked at: what is wrong with a value is said with the value. */
function checksOf(
  source: Source | undefined,
  personal: readonly { readonly name: string }[],
): { readonly checks?: readonly ViewCheck[] } {
  const keys = [source?.asset, source?.time?.column, ...personal.map(({ name }) => name)];
  const checks = (source?.columns ?? []).flatMap((column): ViewCheck[] => {
    const { name, type, unit, range, values, nullable } = column;
    const isChecked = range !== undefined || values !== undefined || !nullable || CHECKED_TYPES.has(type);
    if (!isChecked || keys.includes(name)) return [];
    return [
      {
        name,
        type,
        ...(unit === undefined ? {} : { unit }),
        ...(range === undefined ? {} : { range }),
        ...(values === undefined ? {} : { values }),
        ...(nullable ? {} : { isRequired: true }),
      },
    ];
  });
  return checks.length === 0 ? {} : { checks };
}

/** Types that not every number has. */
const CHECKED_TYPES: ReadonlySet<string> = new Set(["integer", "boolean"]);

/** The one source of readings. */
export function readingsSource(pipeline: Pipeline): string {
  const names = Object.keys(pipeline.sources).filter((name) => pipeline.sources[name]?.role === "readings");
  const [only] = names;
  if (only === undefined || names.length > 1)
    throw invalidPipeline("sources", "exactly one source with role readings", names.join(", ") || "none");
  return only;
}

type Expanded = ConcreteFeature & { readonly operator: OperatorName };

function expandDeclaration(declaration: object, i: number, resolver: DatasetResolver): Expanded[] {
  const [name, params] = Object.entries(declaration)[0] as [OperatorName, never];
  resolver.enter(`features.${i}.${name}`);
  const operator = OPERATORS[name];
  if (operator.needs !== "row" && resolver.timeKind === "none")
    resolver.fail("columns", "a readings source with a time column", "none");
  if (operator.needs === "series" && !resolver.readings.hasAsset)
    resolver.fail("columns", "a readings source with an asset column", "none (every row is its own asset)");
  const features = operator.expand(params, resolver);
  for (const feature of features) {
    if (resolver.isFeature(feature.name)) resolver.fail("name", "each feature once", `${feature.name} twice`);
    resolver.addFeature(feature.name);
  }
  return features.map((feature) => ({ ...feature, operator: name }));
}

/** A forecast begins at the present value of its column, whether or not the file names it as a feature. */
function presentValue({ task, features }: Pipeline, resolver: DatasetResolver): Expanded[] {
  if (task.kind !== "forecast" || resolver.isFeature(task.column)) return [];
  // Of an unknown column the label says what is wrong.
  if (!resolver.isColumn(task.column)) return [];
  return expandDeclaration({ current: { columns: [task.column] } }, features.length, resolver);
}

function resolveRegimes({ regimes, task }: Pipeline, resolver: DatasetResolver): FeatureView["regimes"] {
  if (regimes === undefined) return undefined;
  resolver.enter("regimes");
  const columns = resolver.settings(regimes.columns, "columns").map((c) => c.name);
  const normalize = resolver
    .numbers(regimes.normalize, "normalize")
    .map((c) => c.name)
    // "*" is every sensor, and the settings that tell the regimes apart are not sensors.
    .filter((name) => regimes.normalize !== "*" || !columns.includes(name))
    // A forecast answers in the unit of its column, and not as a distance from the mean of a regime.
    .filter((name) => task.kind !== "forecast" || name !== task.column);
  // With one regime nothing tells readings apart: sensors keep their units, and nothing is learnt from training rows.
  return regimes.count === 1 ? undefined : { columns, count: regimes.count, normalize };
}

function collectProblems<T>(problems: ErrorLocation[], work: () => T): T | undefined {
  try {
    return work();
  } catch (error) {
    if (!isPlatformError(error) || error.code !== "invalid_pipeline") throw error;
    problems.push(...error.locations);
    return undefined;
  }
}

function invalidView(problems: readonly ErrorLocation[]): PlatformError {
  const [first] = problems;
  const more = problems.length > 1 ? ` (and ${problems.length - 1} more)` : "";
  return new PlatformError(
    "invalid_pipeline",
    `${first?.field}: expected ${first?.expected}, found ${first?.found}${more}`,
    { locations: problems },
  );
}
