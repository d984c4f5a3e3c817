import { PlatformError } from "../../../../schemas/platform-error.ts";
import { appendAudit } from "../../audit/audit-row.ts";
import type { ConnectionPool, SqlValue, Transaction } from "../../connection/connection-pool.ts";
import { sqlStateOf } from "../../connection/database-errors.ts";
import { json, storableText } from "../../connection/row-types.ts";
import type { AuditEntry } from "../../port/actor.ts";
import type {
  AssetDetails,
  DeviceRow,
  DeviceStore,
  NewAsset,
  NewDevice,
  NewSite,
  PlaceRow,
  SiteRow,
} from "../../port/devices.ts";

const FOREIGN_KEY_VIOLATION = "23503";
const DEVICE_COLUMNS = `d.device_id as device, d.asset_id as asset, a.site_id as site, s.customer_id as customer,
  d.display_name as name, d.attributes, d.created_at as "createdAt"`;
const DEVICES = "aura.devices d join aura.assets a using (asset_id) left join aura.sites s using (site_id)";
const TABLES = {
  customer: ["customers", "customer_id"],
  site: ["sites", "site_id"],
  asset: ["assets", "asset_id"],
  device: ["devices", "device_id"],
} as const;

/** Customers, sites, assets and devices as people enter them; a second entry of an id changes the first. */
export class PostgresDeviceStore implements DeviceStore {
  readonly #pool: ConnectionPool;

  constructor(pool: ConnectionPool) {
    this.#pool = pool;
  }

  putCustomer(
    customer: { readonly id: string; readonly name: string | null },
    audit: AuditEntry,
  ): Promise<PlaceRow> {
    return this.#put(
      `insert into aura.customers (customer_id, display_name) values ($1, $2)
       on conflict (customer_id) do update set display_name = excluded.display_name
       returning customer_id as id, display_name as name, created_at as "createdAt"`,
      [customer.id, textOf(customer.name)],
      audit,
    );
  }

  async customer(id: string): Promise<PlaceRow | undefined> {
    const [row] = await this.#pool.query<PlaceRow>(
      `select customer_id as id, display_name as name, created_at as "createdAt" from aura.customers where customer_id = $1`,
      [id],
    );
    return row;
  }

  customers({ after, limit }: { readonly after?: string; readonly limit: number }): Promise<PlaceRow[]> {
    return this.#pool.query(
      `select customer_id as id, display_name as name, created_at as "createdAt" from aura.customers
        where $1::text is null or customer_id > $1 order by customer_id limit $2`,
      [after ?? null, limit],
    );
  }

  putSite({ site, customer, name }: NewSite, audit: AuditEntry): Promise<SiteRow> {
    return this.#put(
      `insert into aura.sites (site_id, customer_id, display_name) values ($1, $2, $3)
       on conflict (site_id) do update set customer_id = excluded.customer_id, display_name = excluded.display_name
       returning site_id as id, customer_id as customer, display_name as name, created_at as "createdAt"`,
      [site, customer, textOf(name)],
      audit,
    );
  }

  async site(id: string): Promise<SiteRow | undefined> {
    const [row] = await this.#pool.query<SiteRow>(
      `select site_id as id, customer_id as customer, display_name as name, created_at as "createdAt" from aura.sites
        where site_id = $1`,
      [id],
    );
    return row;
  }

  sites(page: {
    readonly customer?: string;
    readonly after?: string;
    readonly limit: number;
  }): Promise<SiteRow[]> {
    return this.#pool.query(
      `select site_id as id, customer_id as customer, display_name as name, created_at as "createdAt" from aura.sites
        where ($1::text is null or customer_id = $1) and ($2::text is null or site_id > $2) order by site_id limit $3`,
      [page.customer ?? null, page.after ?? null, page.limit],
    );
  }

  async putAsset({ asset, site, assetClass, attributes }: NewAsset, audit: AuditEntry): Promise<void> {
    await this.#put(
      `insert into aura.assets as a (asset_id, site_id, asset_class, attributes) values ($1, $2, $3, $4)
       on conflict (asset_id) do update set site_id = case when $5 then excluded.site_id else a.site_id end,
         asset_class = case when $6 then excluded.asset_class else a.asset_class end,
         attributes = case when $7 then excluded.attributes else a.attributes end returning asset_id`,
      [
        asset,
        site ?? null,
        textOf(assetClass ?? null),
        json(attributes ?? {}),
        site !== undefined,
        assetClass !== undefined,
        attributes !== undefined,
      ],
      audit,
    );
  }

  async asset(id: string): Promise<AssetDetails | undefined> {
    const [row] = await this.#pool.query<AssetDetails>(
      `select a.asset_id as asset, a.site_id as site, s.customer_id as customer, a.asset_class as "assetClass", a.attributes,
              a.first_seen as "firstSeen"
         from aura.assets a left join aura.sites s using (site_id) where a.asset_id = $1`,
      [id],
    );
    return row;
  }

  async putDevice({ device, asset, name, attributes }: NewDevice, audit: AuditEntry): Promise<DeviceRow> {
    await this.#put(
      `insert into aura.devices (device_id, asset_id, display_name, attributes) values ($1, $2, $3, $4)
       on conflict (device_id) do update set asset_id = excluded.asset_id, display_name = excluded.display_name,
         attributes = excluded.attributes returning device_id`,
      [device, asset, textOf(name), json(attributes)],
      audit,
    );
    const row = await this.device(device);
    if (row === undefined)
      throw new PlatformError("not_found", `put device [${device}]: it was removed meanwhile`);
    return row;
  }

  async device(id: string): Promise<DeviceRow | undefined> {
    const [row] = await this.#pool.query<DeviceRow>(
      `select ${DEVICE_COLUMNS} from ${DEVICES} where d.device_id = $1`,
      [id],
    );
    return row;
  }

  devices(page: {
    readonly asset?: string;
    readonly after?: string;
    readonly limit: number;
  }): Promise<DeviceRow[]> {
    return this.#pool.query(
      `select ${DEVICE_COLUMNS} from ${DEVICES}
        where ($1::text is null or d.asset_id = $1) and ($2::text is null or d.device_id > $2)
        order by d.device_id limit $3`,
      [page.asset ?? null, page.after ?? null, page.limit],
    );
  }

  async remove(what: keyof typeof TABLES, id: string, audit: AuditEntry): Promise<void> {
    const [table, column] = TABLES[what];
    await this.#change(audit, async (tx) => {
      const removed = await tx.query(`delete from aura.${table} where ${column} = $1 returning 1`, [id]);
      if (removed.length === 0)
        throw new PlatformError("not_found", `remove ${what} [${id}]: there is no such ${what}`);
    });
  }

  async #put<Row extends object>(sql: string, values: readonly SqlValue[], audit: AuditEntry): Promise<Row> {
    return this.#change(audit, async (tx) => {
      const [row] = await tx.query<Row>(sql, values);
      if (row === undefined) throw new Error("expected the row that was written");
      return row;
    });
  }

  /** A foreign key tells what is missing, or what still hangs on it. */
  async #change<T>(audit: AuditEntry, work: (tx: Transaction) => Promise<T>): Promise<T> {
    try {
      return await this.#pool.transaction(async (tx) => {
        const result = await work(tx);
        await appendAudit(tx, audit);
        return result;
      });
    } catch (error) {
      if (sqlStateOf(error) !== FOREIGN_KEY_VIOLATION) throw error;
      const isRemoval = audit.action.endsWith(".remove");
      throw isRemoval
        ? new PlatformError("conflict", `${audit.action} [${audit.subject}]: others still belong to it`, {
            cause: error,
          })
        : new PlatformError(
            "not_found",
            `${audit.action} [${audit.subject}]: what it belongs to is not there`,
            {
              cause: error,
            },
          );
    }
  }
}

const textOf = (text: string | null): string | null => (text === null ? null : storableText(text));
