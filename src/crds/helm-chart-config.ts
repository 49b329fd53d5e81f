import { defineCustomResource, type CustomObject } from './custom-resource.ts';
import {
  failurePolicySchema,
  sharedFields,
  type FailurePolicy,
  type ServerSide,
  type ValuesSecret,
} from './helm-chart.ts';

export interface HelmChartConfigSpec {
  values?: unknown;
  /** YAML. */
  valuesContent?: string;
  valuesSecrets?: ValuesSecret[];
  failurePolicy?: FailurePolicy;
  serverSide?: ServerSide;
  forceConflicts?: boolean;
}

/** A user's changes to the HelmChart of the same namespace and name. */
export type HelmChartConfig = CustomObject<HelmChartConfigSpec, never>;

export const HelmChartConfigs = defineCustomResource<HelmChartConfig>({
  group: 'helm.cattle.io',
  version: 'v1',
  kind: 'HelmChartConfig',
  plural: 'helmchartconfigs',
  shortNames: ['hcc'],
  scope: 'Namespaced',
  description: "A user's changes to the HelmChart of the same namespace and name.",
  spec: {
    type: 'object',
    properties: {
      ...sharedFields,
      // No default: an empty config must not override the chart's own policy.
      failurePolicy: failurePolicySchema,
    },
  },
  columns: [{ name: 'Age', type: 'date', jsonPath: '.metadata.creationTimestamp' }],
});
