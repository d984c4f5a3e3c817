#!/bin/sh
# Makes the namespace with 30 days of retention and registers AURA's search attributes. Idempotent.
set -eu

attempt=0
until temporal operator cluster health >/dev/null 2>&1; do
  attempt=$((attempt + 1))
  if [ "$attempt" -ge 30 ]; then
    echo "temporal at $TEMPORAL_ADDRESS is not healthy after 60 s" >&2
    exit 1
  fi
  sleep 2
done

temporal operator namespace describe --namespace "$TEMPORAL_NAMESPACE" >/dev/null 2>&1 ||
  temporal operator namespace create --namespace "$TEMPORAL_NAMESPACE" --retention 30d

# A namespace just made is known everywhere only after some seconds.
attempt=0
until present="$(temporal operator search-attribute list --namespace "$TEMPORAL_NAMESPACE" 2>/dev/null)"; do
  attempt=$((attempt + 1))
  [ "$attempt" -lt 30 ] || exit 1
  sleep 2
done

for name in AuraPipeline AuraStage AuraModel AuraVersion AuraDataset AuraApproval; do
  case "$present" in
  *"$name"*) ;;
  *) temporal operator search-attribute create --namespace "$TEMPORAL_NAMESPACE" --name "$name" --type Keyword ;;
  esac
done
