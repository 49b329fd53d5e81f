import { gunzipSync } from 'node:zlib';
import type { ClusterClient } from '../../cluster/client.ts';
import { ConfigMaps, Secrets } from '../../cluster/kinds.ts';
import type { KubernetesObject } from '../../cluster/object.ts';
import type { HelmReleaseStatus } from '../../crds/helm-chart.ts';

/** Which release: where helm keeps its records and under what name. */
export interface ReleaseRef {
  readonly name: string;
  readonly namespace: string;
  readonly driver: 'secret' | 'configmap';
}

/** One revision of a release, as far as its record's labels tell. */
export interface ReleaseRecord {
  readonly object: KubernetesObject;
  readonly revision: number;
  /** Helm's word: deployed, superseded, failed, pending-install, … */
  readonly status: string;
  /** Of the settings that it was made with; undefined if it was not made by us or by k3s. */
  readonly hash: string | undefined;
}

/** k3s's helm-controller uses the same label, for the first 63 hexadecimal digits of its hash. */
export const HASH_LABEL = 'helmcharts.helm.cattle.io/configHash';

/** A record that unpacks to more than this, in bytes, is not read. */
const LARGEST_RECORD = 64 * 1024 * 1024;

/** All revisions that helm still has, oldest first. Read from the server: what helm just wrote must not be missed. */
export async function releaseRecords(client: ClusterClient, release: ReleaseRef): Promise<ReleaseRecord[]> {
  const selection = { namespace: release.namespace, labelSelector: `owner=helm,name=${release.name}` };
  const { items }: { items: KubernetesObject[] } =
    release.driver === 'configmap' ? await client.list(ConfigMaps, selection) : await client.list(Secrets, selection);
  return items
    .flatMap((object) => {
      const { version = '', status = 'unknown', [HASH_LABEL]: hash } = object.metadata.labels ?? {};
      return /^\d+$/.test(version) ? [{ object, revision: Number(version), status, hash }] : [];
    })
    .sort((a, b) => a.revision - b.revision);
}

/** What a record says about its release. A record that cannot be unpacked still tells what its labels do. */
export function describeRecord(release: ReleaseRef, { object, revision, status }: ReleaseRecord): HelmReleaseStatus {
  const known = { name: release.name, namespace: release.namespace, revision, status };
  const content = unpack(object, release.driver);
  if (content === undefined) return known;
  const { name, version, appVersion } = content.chart?.metadata ?? {};
  const { last_deployed: updated } = content.info ?? {};
  return {
    ...known,
    ...(name === undefined ? {} : { chart: name }),
    ...(version === undefined ? {} : { version }),
    ...(appVersion === undefined ? {} : { appVersion }),
    ...(updated === undefined ? {} : { updated }),
  };
}

interface RecordContent {
  info?: { last_deployed?: string };
  chart?: { metadata?: { name?: string; version?: string; appVersion?: string } };
}

/** Helm packs a release as JSON, gzip, base64; a Secret adds its own base64. */
function unpack(object: KubernetesObject, driver: ReleaseRef['driver']): RecordContent | undefined {
  const { data } = object as { data?: Record<string, string> };
  const text = data?.['release'] ?? '';
  const packed = driver === 'secret' ? Buffer.from(text, 'base64').toString() : text;
  try {
    return JSON.parse(
      gunzipSync(Buffer.from(packed, 'base64'), { maxOutputLength: LARGEST_RECORD }).toString(),
    ) as RecordContent;
  } catch {
    return undefined;
  }
}
