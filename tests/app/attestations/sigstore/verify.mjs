// Runs the unmodified @sigstore/verify over many bundles: a JSON list on stdin, one answer each.
// There is no trusted time in our bundles, so the timestamp threshold is 0; log inclusion is needed.
import { createRequire } from 'node:module';
import { createPublicKey } from 'node:crypto';
import { readFileSync } from 'node:fs';

const require = createRequire(process.argv[2] + '/');
const { bundleFromJSON } = require('@sigstore/bundle');
const { TrustedRoot } = require('@sigstore/protobuf-specs');
const { Verifier, toSignedEntity, toTrustMaterial } = require('@sigstore/verify');

function judged({ bundle, trustedRoot, keys }) {
  try {
    const known = Object.fromEntries(
      Object.entries(keys).map(([id, pem]) => [id, { rawBytes: der(pem) }]),
    );
    const material = toTrustMaterial(TrustedRoot.fromJSON(trustedRoot), known);
    const verifier = new Verifier(material, { tlogThreshold: 1, timestampThreshold: 0 });
    verifier.verify(toSignedEntity(bundleFromJSON(bundle)));
    return { accepted: true };
  } catch (error) {
    return { accepted: false, why: `${error.code ?? error.name}: ${error.message}` };
  }
}

function der(pem) {
  return createPublicKey(pem).export({ type: 'spki', format: 'der' });
}

const cases = JSON.parse(readFileSync(0, 'utf8'));
process.stdout.write(JSON.stringify(cases.map(judged)));
