#!/bin/sh
# Brings Temporal's two databases to the schema of this server version. Idempotent: setup-schema is left
# out where a schema version is recorded already, and update-schema applies only what is missing.
set -eu

sql_tool() {
  database="$1"
  shift
  temporal-sql-tool --plugin "$SQL_PLUGIN" --ep "$SQL_HOST" --port "$SQL_PORT" --user "$SQL_USER" --db "$database" "$@"
}

bring_up() {
  database="$1"
  versions="$2"
  # It fails where the tables exist; update-schema then fails too if that was not the reason.
  sql_tool "$database" setup-schema --version 0.0 || true
  sql_tool "$database" update-schema --schema-dir "/etc/temporal/schema/postgresql/v12/$versions/versioned"
}

bring_up temporal temporal
bring_up temporal_visibility visibility
