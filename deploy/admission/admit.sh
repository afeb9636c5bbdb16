#!/bin/sh
# Lets an artifact through only if Clearance passed it for this stage. Offline: it reads four files.
#   admit.sh ARTIFACT ATTESTATION STAGE
# ARTIFACT is the file that is about to be served; its digest is taken here, never believed.
# ATTESTATION is its Sigstore bundle (GET /v1/decisions/{id}/attestation.sigstore.json).
# CLEARANCE_TRUST is the folder with keys.json and trusted_root.json, which you fetched once, from
# /v1/attestations/keys and /v1/attestations/trusted_root.json, and keep in your own repository.
set -eu
[ $# -eq 3 ] || { echo "usage: admit.sh ARTIFACT ATTESTATION STAGE" >&2; exit 2; }
trust=${CLEARANCE_TRUST:-/etc/clearance}
[ -f "$1" ] || { echo "There is no artifact $1." >&2; exit 2; }
digest=$(sha256sum <"$1") || exit 2
exec clearance attestation verify "$2" --artifact "sha256:${digest%% *}" --stage "$3" \
    --key "$trust/keys.json" --trusted-root "$trust/trusted_root.json"
