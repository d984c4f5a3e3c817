import { z } from "zod";
import type { CatalogDataset, SchemaDrift } from "../../../stores/postgres/port/catalog.ts";
import type { LiveSourceRow } from "../../../stores/postgres/port/live.ts";
import { listOf, viewer } from "../parts.ts";
import { route } from "../route.ts";
import type { AnyRoute } from "../route.ts";

const entrySchema = z.strictObject({
  kind: z.enum(["source", "dataset"]),
  name: z.string(),
  owner: z.string(),
  description: z.string().nullable(),
  retention: z.string(),
  version: z.string().describe("Of a source its version; of a dataset its id."),
  updatedAt: z.string(),
  rows: z
    .int()
    .describe("Of a source those stored in 24 hours, mended ones left out; of a dataset its readings."),
  schemaDrift: z
    .number()
    .nullable()
    .describe("Share of a source's readings in 24 hours that do not fit its columns; null: none came."),
  driftThreshold: z.number().nullable(),
  columns: z.array(
    z.strictObject({
      table: z.string(),
      name: z.string(),
      type: z.string(),
      unit: z.string().nullable(),
      isPersonal: z.boolean().describe("Its values are not shown; in a dataset there are none."),
      description: z.string().nullable(),
    }),
  ),
});
type Entry = z.infer<typeof entrySchema>;

const DAY_MS = 86_400_000;

/** What data there is: whose, how long it is kept, and what its columns are. */
export const catalogRoutes: readonly AnyRoute[] = [
  route({
    method: "get",
    path: "/v1/catalog",
    tag: "datasets",
    summary:
      "Live sources and the newest dataset of each pipeline: owner, retention, columns, and how well what arrives fits.",
    policy: viewer,
    reply: listOf(entrySchema),
    async handle(_, { database }) {
      const { liveSources, catalog } = database();
      const [sources, datasets, drift] = await Promise.all([
        liveSources.list(),
        catalog.datasets(),
        catalog.schemaDrift(new Date(Date.now() - DAY_MS).toISOString()),
      ]);
      const driftOf = new Map(drift.map((one) => [one.source, one]));
      return {
        items: [
          ...sources.map((row) => ofSource(row, driftOf.get(row.document.name))),
          ...datasets.map(ofDataset),
        ],
      };
    },
  }),
];

function ofSource({ document, version, createdAt }: LiveSourceRow, drift: SchemaDrift | undefined): Entry {
  const { name, owner, description, retention, driftThreshold, columns, pii } = document;
  const received = drift?.received ?? 0;
  return {
    kind: "source",
    name,
    owner,
    description: description ?? null,
    retention,
    version: String(version),
    updatedAt: createdAt,
    rows: drift?.stored ?? 0,
    schemaDrift: drift === undefined || received === 0 ? null : drift.misfits / received,
    driftThreshold,
    columns: columns.map((column) => ({
      table: "readings",
      name: column.name,
      type: column.type,
      unit: column.unit ?? null,
      isPersonal: pii.includes(column.name),
      description: column.description ?? null,
    })),
  };
}

function ofDataset({ id, pipeline, owner, retention, manifest, createdAt }: CatalogDataset): Entry {
  const tables = Object.entries(manifest.sources);
  return {
    kind: "dataset",
    name: pipeline,
    owner,
    description: null,
    retention,
    version: id,
    updatedAt: createdAt,
    rows: tables.reduce((sum, [, { role, counts }]) => sum + (role === "readings" ? counts.accepted : 0), 0),
    schemaDrift: null,
    driftThreshold: null,
    columns: tables.flatMap(([table, { columns, personal = [] }]) => [
      ...columns.map(({ name, type, unit }) => ({
        table,
        name,
        type,
        unit: unit ?? null,
        isPersonal: false,
        description: null,
      })),
      ...personal.map((column) => ({ table, ...column, unit: null, isPersonal: true, description: null })),
    ]),
  };
}
