#!/usr/bin/env bash
# The same with curl: rows of features in, answers out.
#
#   AURA_API_URL=http://127.0.0.1:8080 AURA_API_KEY=… examples/client/predict.sh <model> '{"feature": 1.5, …}'
set -euo pipefail

api="${AURA_API_URL:-http://127.0.0.1:8080}"
model="${1:?usage: predict.sh <model> <row as JSON>}"
row="${2:?usage: predict.sh <model> <row as JSON>}"

headers=(-H "content-type: application/json")
# The key comes from the environment and goes to curl on its standard input, not into the process list.
if [ -n "${AURA_API_KEY:-}" ]; then
  printf 'header = "authorization: Bearer %s"\n' "$AURA_API_KEY" |
    curl --config - --silent --show-error --fail-with-body "${headers[@]}" \
      --data "{\"rows\": [$row]}" "$api/v1/models/$model/predict"
else
  curl --silent --show-error --fail-with-body "${headers[@]}" \
    --data "{\"rows\": [$row]}" "$api/v1/models/$model/predict"
fi
echo
