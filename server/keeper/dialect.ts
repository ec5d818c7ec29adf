import { type DatabaseConnection, SqliteAdapter, SqliteDialect, type SqliteDialectConfig, SqliteDriver } from 'kysely';

/** Kysely's SQLite, with what that leaves out: migrations in one transaction, and errors that stay what they are. */
export class StoreDialect extends SqliteDialect {
  readonly #config: SqliteDialectConfig;

  constructor(config: SqliteDialectConfig) {
    super(config);
    this.#config = config;
  }

  override createAdapter(): SqliteAdapter {
    return new TransactionalAdapter();
  }

  override createDriver(): SqliteDriver {
    return new HonestDriver(this.#config);
  }
}

/** SQLite changes tables within a transaction like anything else (https://sqlite.org/lang_transaction.html); Kysely assumes not. */
class TransactionalAdapter extends SqliteAdapter {
  override get supportsTransactionalDdl(): boolean {
    return true;
  }
}

/**
 * On a full or failing disk SQLite takes the transaction back by itself (sqlite3_get_autocommit). Kysely's own try then fails, and
 * would tell that instead of the disk.
 */
class HonestDriver extends SqliteDriver {
  override async rollbackTransaction(connection: DatabaseConnection): Promise<void> {
    try {
      await super.rollbackTransaction(connection);
    } catch (error) {
      if (!(error instanceof Error && error.message.includes('no transaction is active'))) throw error;
    }
  }
}
