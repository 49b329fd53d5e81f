import { conditionColumn, conditionsSchema, type Condition } from './condition.ts';
import { defineCustomResource, type CustomObject, type Schema } from './custom-resource.ts';

export interface LocalObjectReference {
  name?: string;
}

/** Values files from the keys of a Secret in the object's namespace. */
export interface ValuesSecret {
  name?: string;
  /** Each becomes a values file, in this order. None: the entry has no effect. */
  keys?: string[];
  /** Neither wait for the Secret nor upgrade when it changes. */
  ignoreUpdates?: boolean;
}

export type FailurePolicy = 'abort' | 'reinstall' | 'retry';
export type ServerSide = 'true' | 'false' | 'auto';

/** The fields of k3s's HelmChart. Those that shape the pod of a Job (`jobImage`, …) are accepted and have no effect: there is no pod. */
export interface HelmChartSpec {
  /** A chart's name in `repo`, the URL of a .tgz, or `oci://…`. */
  chart?: string;
  version?: string;
  repo?: string;
  /** PEM. */
  repoCA?: string;
  repoCAConfigMap?: LocalObjectReference;
  /** Default: the object's own namespace. */
  targetNamespace?: string;
  createNamespace?: boolean;
  set?: Record<string, string | number>;
  values?: unknown;
  /** YAML. */
  valuesContent?: string;
  valuesSecrets?: ValuesSecret[];
  /** A .tgz in base64; wins over `chart` and `version`. */
  chartContent?: string;
  /** Only '' and v3 are accepted, as k3s does; the helm that runs is newer. */
  helmVersion?: string;
  bootstrap?: boolean;
  takeOwnership?: boolean;
  serverSide?: ServerSide;
  forceConflicts?: boolean;
  /** A Go duration. */
  timeout?: string;
  failurePolicy?: FailurePolicy;
  authSecret?: LocalObjectReference;
  authPassCredentials?: boolean;
  dockerRegistrySecret?: LocalObjectReference;
  insecureSkipTLSVerify?: boolean;
  plainHTTP?: boolean;
  driver?: 'secret' | 'configmap';
  jobImage?: string;
  backOffLimit?: number;
  podSecurityContext?: unknown;
  securityContext?: unknown;
}

/** What helm has recorded about the release. */
export interface HelmReleaseStatus {
  name: string;
  namespace: string;
  revision: number;
  /** Helm's word: deployed, failed, pending-upgrade, … */
  status: string;
  chart?: string;
  version?: string;
  appVersion?: string;
  updated?: string;
}

export interface HelmChartStatus {
  observedGeneration?: number;
  /** `Ready`: what the spec asks for is deployed. `Failed`: the last run of helm failed, or the spec cannot be carried out. */
  conditions?: Condition[];
  release?: HelmReleaseStatus;
  /** Runs of helm that failed since the last success. */
  failures?: number;
  /** The end of what helm said when it last failed. */
  lastError?: string;
}

/** A Helm chart that is to be installed. */
export type HelmChart = CustomObject<HelmChartSpec, HelmChartStatus>;

const reference: Schema = { type: 'object', properties: { name: { type: 'string' } } };
const opaque: Schema = { type: 'object', 'x-kubernetes-preserve-unknown-fields': true };

/** The fields that a HelmChartConfig has too. */
export const sharedFields = {
  values: {
    description: 'Values as structured data; win over valuesContent.',
    'x-kubernetes-preserve-unknown-fields': true,
  },
  valuesContent: { type: 'string', description: 'Values as the text of a YAML file.' },
  valuesSecrets: {
    type: 'array',
    description: 'Values from keys of Secrets, each the text of a YAML file; win over values.',
    items: {
      type: 'object',
      properties: {
        name: { type: 'string' },
        keys: { type: 'array', items: { type: 'string' } },
        ignoreUpdates: { type: 'boolean' },
      },
    },
  },
  serverSide: {
    type: 'string',
    enum: ['true', 'false', 'auto'],
    description: 'Whether helm applies on the server; auto: as the release was installed, and true for a new one.',
  },
  forceConflicts: { type: 'boolean', description: 'Take over fields that other managers own.' },
} as const satisfies Record<string, Schema>;

const failurePolicies = ['abort', 'reinstall', 'retry'] as const satisfies readonly FailurePolicy[];

export const failurePolicySchema: Schema = {
  type: 'string',
  enum: failurePolicies,
  description:
    'After a failure: abort waits for a change of the spec; retry upgrades again; reinstall also uninstalls a first installation that failed.',
};

export const HelmCharts = defineCustomResource<HelmChart>({
  group: 'helm.cattle.io',
  version: 'v1',
  kind: 'HelmChart',
  plural: 'helmcharts',
  shortNames: ['hc'],
  scope: 'Namespaced',
  description: 'A Helm chart that is to be installed.',
  spec: {
    type: 'object',
    properties: {
      ...sharedFields,
      chart: { type: 'string', description: "A chart's name in repo, the URL of a .tgz, or an oci:// reference." },
      version: { type: 'string', description: 'Default: the latest stable version.' },
      repo: { type: 'string', description: 'URL of the chart repository.' },
      repoCA: { type: 'string', description: 'Certificate authorities of the repository, in PEM.' },
      repoCAConfigMap: { ...reference, description: 'Every key of this ConfigMap is added to repoCA.' },
      targetNamespace: { type: 'string', description: "Where to install. Default: the object's namespace." },
      createNamespace: { type: 'boolean', description: 'Create the target namespace.' },
      set: {
        type: 'object',
        description: 'Values by path; win over all others.',
        additionalProperties: {
          anyOf: [{ type: 'integer' }, { type: 'string' }],
          'x-kubernetes-int-or-string': true,
        },
      },
      chartContent: { type: 'string', description: 'The chart itself, a .tgz in base64; wins over chart and version.' },
      helmVersion: { type: 'string', description: 'Deprecated. Only v3 is accepted.' },
      bootstrap: { type: 'boolean', description: 'The cluster needs this chart to become ready.' },
      takeOwnership: { type: 'boolean', description: 'Adopt existing objects into the release.' },
      timeout: { type: 'string', description: 'How long helm may wait for a hook, as a Go duration. Default 5m.' },
      failurePolicy: { ...failurePolicySchema, default: 'reinstall' },
      authSecret: { ...reference, description: 'User name and password, or TLS client certificate, for repo.' },
      authPassCredentials: { type: 'boolean', description: 'Send the credentials to every host.' },
      dockerRegistrySecret: { ...reference, description: 'A .dockerconfigjson for oci:// charts.' },
      insecureSkipTLSVerify: { type: 'boolean' },
      plainHTTP: { type: 'boolean' },
      driver: {
        type: 'string',
        enum: ['secret', 'configmap'],
        default: 'secret',
        description: 'The kind of object in which helm keeps its releases.',
        'x-kubernetes-validations': [{ rule: 'self == oldSelf', message: 'driver is immutable' }],
      },
      jobImage: { type: 'string', description: 'Has no effect: charts are not installed by a Job.' },
      backOffLimit: {
        type: 'integer',
        format: 'int32',
        description: 'Has no effect: charts are not installed by a Job.',
      },
      podSecurityContext: { ...opaque, description: 'Has no effect: charts are not installed by a Job.' },
      securityContext: { ...opaque, description: 'Has no effect: charts are not installed by a Job.' },
    },
  },
  status: {
    type: 'object',
    properties: {
      observedGeneration: { type: 'integer', format: 'int64' },
      conditions: conditionsSchema,
      release: {
        type: 'object',
        description: 'What helm has recorded about the release.',
        required: ['name', 'namespace', 'revision', 'status'],
        properties: {
          name: { type: 'string' },
          namespace: { type: 'string' },
          revision: { type: 'integer' },
          status: { type: 'string' },
          chart: { type: 'string' },
          version: { type: 'string' },
          appVersion: { type: 'string' },
          updated: { type: 'string' },
        },
      },
      failures: { type: 'integer', description: 'Runs of helm that failed since the last success.' },
      lastError: { type: 'string', description: 'The end of what helm said when it last failed.' },
    },
  },
  columns: [
    { name: 'Repo', type: 'string', jsonPath: '.spec.repo' },
    { name: 'Chart', type: 'string', jsonPath: '.spec.chart' },
    { name: 'Version', type: 'string', jsonPath: '.spec.version' },
    { name: 'TargetNamespace', type: 'string', jsonPath: '.spec.targetNamespace' },
    { name: 'Bootstrap', type: 'boolean', jsonPath: '.spec.bootstrap' },
    conditionColumn('Ready'),
    conditionColumn('Failed'),
    { name: 'Revision', type: 'integer', jsonPath: '.status.release.revision' },
    { name: 'Age', type: 'date', jsonPath: '.metadata.creationTimestamp' },
  ],
});
