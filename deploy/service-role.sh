#!/usr/bin/env bash
# The role that the service connects as; `clearance migrate --service-role` grants it what it needs.
set -euo pipefail
psql --set=ON_ERROR_STOP=1 --username "$POSTGRES_USER" --dbname "$POSTGRES_DB" \
    --set=password="$SERVICE_PASSWORD" <<'SQL'
CREATE ROLE clearance_service LOGIN PASSWORD :'password';
SQL
