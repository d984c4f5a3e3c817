import type { Logger } from "pino";
import { PlatformError } from "../schemas/platform-error.ts";
import type { KeyRow, Database } from "../stores/postgres/port.ts";

export interface DatabaseConnectionOptions {
  /** Migrates and opens the stores; tried until it succeeds. */
  readonly connect: () => Promise<Database>;
  readonly bootstrapAdminKey?: string | undefined;
  readonly logger: Logger;
}

/** Back-off between attempts: a database that is just starting is found within 100 ms of being up. */
const FIRST_RETRY_MS = 50;
const MAX_RETRY_MS = 1_000;
const QUICK_ATTEMPTS = 50;

/**
 * The stores in PostgreSQL, from the first successful connection on. The API starts without them and answers
 * `/predict` from the last known champions; all else says `database_unavailable` until then.
 */
export class DatabaseConnection {
  private readonly options: DatabaseConnectionOptions;
  private database: Database | undefined;
  private isClosed = false;
  /** Resolves once connected. */
  readonly connected: Promise<void>;

  constructor(options: DatabaseConnectionOptions) {
    this.options = options;
    this.connected = this.connect();
  }

  /** @throws {PlatformError} database_unavailable before the first connection */
  get(): Database {
    if (this.database !== undefined) return this.database;
    throw new PlatformError("database_unavailable", "read database: not connected yet");
  }

  async close(): Promise<void> {
    this.isClosed = true;
    await this.database?.close();
  }

  private async connect(): Promise<void> {
    for (let attempt = 0; !this.isClosed; attempt++) {
      try {
        const database = await this.options.connect();
        await this.makeBootstrapKey(database);
        this.database = database;
        return;
      } catch (error) {
        if (attempt === 0) this.options.logger.warn({ err: error }, "PostgreSQL does not answer; trying on");
        const retryMs = attempt < QUICK_ATTEMPTS ? FIRST_RETRY_MS : MAX_RETRY_MS;
        await new Promise((resolve) => setTimeout(resolve, retryMs));
      }
    }
  }

  /** The same secret gives the same key, so every start may do this. */
  private async makeBootstrapKey(database: Database): Promise<KeyRow | undefined> {
    const secret = this.options.bootstrapAdminKey;
    if (secret === undefined) return undefined;
    const { key } = await database.keys.create(
      { name: "bootstrap", role: "admin", secret },
      {
        actor: { id: "aura", role: "system", authenticated: true },
        action: "key.create",
        subject: "key/bootstrap",
        outcome: "ok",
      },
    );
    return key;
  }
}
