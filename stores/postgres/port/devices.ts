import type { AuditEntry } from "./actor.ts";

/** What sends readings of an asset. */
export interface DeviceRow {
  readonly device: string;
  readonly asset: string;
  readonly site: string | null;
  readonly customer: string | null;
  readonly name: string | null;
  readonly attributes: Readonly<Record<string, unknown>>;
  readonly createdAt: string;
}

export interface NewDevice {
  readonly device: string;
  readonly asset: string;
  readonly name: string | null;
  readonly attributes: Readonly<Record<string, unknown>>;
}

/** What is left out stays as it is. */
export interface NewAsset {
  readonly asset: string;
  readonly site?: string | null | undefined;
  readonly assetClass?: string | null | undefined;
  readonly attributes?: Readonly<Record<string, unknown>> | undefined;
}

export interface AssetDetails {
  readonly asset: string;
  readonly site: string | null;
  readonly assetClass: string | null;
  readonly attributes: Readonly<Record<string, unknown>>;
  readonly customer: string | null;
  readonly firstSeen: string;
}

export interface NewSite {
  readonly site: string;
  readonly customer: string | null;
  readonly name: string | null;
}

export interface PlaceRow {
  readonly id: string;
  readonly name: string | null;
  readonly createdAt: string;
}
export interface SiteRow extends PlaceRow {
  readonly customer: string | null;
}

/** Customers, their sites, the assets there and the devices on them, as people enter them. */
export interface DeviceStore {
  putCustomer(
    customer: { readonly id: string; readonly name: string | null },
    audit: AuditEntry,
  ): Promise<PlaceRow>;
  customer(id: string): Promise<PlaceRow | undefined>;
  customers(page: { readonly after?: string; readonly limit: number }): Promise<PlaceRow[]>;
  /** @throws {PlatformError} not_found: the customer */
  putSite(site: NewSite, audit: AuditEntry): Promise<SiteRow>;
  site(id: string): Promise<SiteRow | undefined>;
  sites(page: {
    readonly customer?: string;
    readonly after?: string;
    readonly limit: number;
  }): Promise<SiteRow[]>;
  /** @throws {PlatformError} not_found: the site */
  putAsset(asset: NewAsset, audit: AuditEntry): Promise<void>;
  asset(id: string): Promise<AssetDetails | undefined>;
  /** @throws {PlatformError} not_found: the asset */
  putDevice(device: NewDevice, audit: AuditEntry): Promise<DeviceRow>;
  device(id: string): Promise<DeviceRow | undefined>;
  devices(page: {
    readonly asset?: string;
    readonly after?: string;
    readonly limit: number;
  }): Promise<DeviceRow[]>;
  /** @throws {PlatformError} conflict: something still hangs on it; not_found */
  remove(what: "customer" | "site" | "asset" | "device", id: string, audit: AuditEntry): Promise<void>;
}
