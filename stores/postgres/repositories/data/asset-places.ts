import type { Sql } from "../../connection/connection-pool.ts";

/** Rows sent with one `unnest` statement. */
const BATCH_ROWS = 10_000;

export interface PlacedAsset {
  readonly id: string;
  readonly site?: string;
  readonly customer?: string;
}

/** An asset that was at another site before. */
export interface MovedAsset {
  readonly asset: string;
  readonly from: string;
  readonly to: string;
}

/**
 * Puts assets at their sites, and sites with their customers; assets that say no site stay where they are.
 *
 * Rows are locked in the order of their ids, so that two datasets at once cannot deadlock.
 *
 * @returns those that were elsewhere before
 */
export async function placeAssets(sql: Sql, assets: readonly PlacedAsset[]): Promise<MovedAsset[]> {
  const placed = assets.filter((a): a is PlacedAsset & { site: string } => a.site !== undefined);
  if (placed.length === 0) return [];
  const customers = new Set(placed.flatMap((a) => a.customer ?? []));
  await sql.query(
    "insert into aura.customers (customer_id) select id from unnest($1::text[]) as u (id) on conflict do nothing",
    [[...customers].toSorted()],
  );
  const customerOf = new Map<string, string | null>();
  for (const { site, customer } of placed) {
    if (customer !== undefined || !customerOf.has(site)) customerOf.set(site, customer ?? null);
  }
  const sites = [...customerOf.keys()].toSorted();
  await sql.query(
    `insert into aura.sites as s (site_id, customer_id)
     select * from unnest($1::text[], $2::text[])
     on conflict (site_id) do update set customer_id = excluded.customer_id
     where excluded.customer_id is not null and s.customer_id is distinct from excluded.customer_id`,
    [sites, sites.map((site) => customerOf.get(site) ?? null)],
  );
  const moved: MovedAsset[] = [];
  const sorted = placed.toSorted((a, b) => (a.id < b.id ? -1 : a.id > b.id ? 1 : 0));
  for (let start = 0; start < sorted.length; start += BATCH_ROWS) {
    moved.push(...(await putAtSites(sql, sorted.slice(start, start + BATCH_ROWS))));
  }
  return moved;
}

async function putAtSites(
  sql: Sql,
  placed: readonly { readonly id: string; readonly site: string }[],
): Promise<MovedAsset[]> {
  const ids = placed.map((a) => a.id);
  const sites = placed.map((a) => a.site);
  const before = await sql.query<MovedAsset>(
    `select a.asset_id::text as asset, a.site_id::text as "from", u.site as "to"
       from aura.assets a join unnest($1::text[], $2::text[]) as u (id, site) on u.id = a.asset_id
      where a.site_id <> u.site order by a.asset_id for update of a`,
    [ids, sites],
  );
  await sql.query(
    `insert into aura.assets as a (asset_id, site_id)
     select distinct on (id) id, site from unnest($1::text[], $2::text[]) as u (id, site) order by id
     on conflict (asset_id) do update set site_id = excluded.site_id
     where a.site_id is distinct from excluded.site_id`,
    [ids, sites],
  );
  return before;
}
