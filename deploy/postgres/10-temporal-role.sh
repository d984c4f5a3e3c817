#!/bin/sh
# Runs once, when the database is made. Temporal gets a role and databases of its own, so that neither
# side can read or change the other's tables.
set -eu

psql --set=ON_ERROR_STOP=1 --username="$POSTGRES_USER" --dbname="$POSTGRES_DB" \
  --set=password="$TEMPORAL_DB_PASSWORD" --set=main="$POSTGRES_DB" <<'SQL'
CREATE ROLE temporal LOGIN PASSWORD :'password';
CREATE DATABASE temporal OWNER temporal;
CREATE DATABASE temporal_visibility OWNER temporal;
REVOKE CONNECT ON DATABASE :"main" FROM PUBLIC;
SQL
