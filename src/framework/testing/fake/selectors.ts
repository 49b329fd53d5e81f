import type { KubernetesObject } from '../../../cluster/object.ts';
import { badRequest } from './failure.ts';

export type Matcher = (object: KubernetesObject) => boolean;

const everything: Matcher = () => true;

/** `a=b, c!=d, e in (f,g), h notin (i), j, !k`. Source: k8s.io/apimachinery/pkg/labels. */
export function labelMatcher(selector: string | undefined): Matcher {
  if (selector === undefined || selector.trim() === '') return everything;
  const requirements = splitRequirements(selector).map(labelRequirement);
  return ({ metadata: { labels = {} } }) => requirements.every((matches) => matches(labels));
}

type LabelTest = (labels: Readonly<Record<string, string>>) => boolean;

function labelRequirement(text: string): LabelTest {
  const set = /^([^\s!=]+)\s+(in|notin)\s*\(([^)]*)\)$/.exec(text);
  if (set !== null) {
    const [, key = '', operator, list = ''] = set;
    const values = new Set(list.split(',').map((value) => value.trim()));
    const among: LabelTest = (labels) => key in labels && values.has(labels[key] ?? '');
    return operator === 'in' ? among : (labels) => !among(labels);
  }
  const compared = /^([^\s!=]+)\s*(==|=|!=)\s*([^\s=!]*)$/.exec(text);
  if (compared !== null) {
    const [, key = '', operator, value] = compared;
    return operator === '!=' ? (labels) => labels[key] !== value : (labels) => labels[key] === value;
  }
  const exists = /^(!?)\s*([^\s!=(),]+)$/.exec(text);
  if (exists === null) throw badRequest(`unable to parse requirement: ${text}`);
  const [, not, key = ''] = exists;
  return (labels) => key in labels !== (not === '!');
}

/** Commas inside parentheses do not separate requirements. */
function splitRequirements(selector: string): string[] {
  return selector.split(/,(?![^(]*\))/).map((part) => part.trim());
}

/** Fields that can be selected by, beyond metadata.name and metadata.namespace. */
const SELECTABLE: Readonly<Record<string, readonly string[]>> = {
  pods: [
    'spec.nodeName',
    'spec.restartPolicy',
    'spec.schedulerName',
    'spec.serviceAccountName',
    'status.phase',
    'status.podIP',
  ],
  nodes: ['spec.unschedulable'],
  secrets: ['type'],
  namespaces: ['status.phase'],
  'jobs.batch': ['status.successful'],
  'events.events.k8s.io': [
    'reason',
    'reportingController',
    'type',
    'regarding.kind',
    'regarding.name',
    'regarding.namespace',
    'regarding.uid',
  ],
};

/** `metadata.name=a,status.phase!=Running`. Source: k8s.io/apimachinery/pkg/fields. */
export function fieldMatcher(selector: string | undefined, groupResource: string): Matcher {
  if (selector === undefined || selector.trim() === '') return everything;
  const tests = selector.split(',').map((part): Matcher => {
    const parsed = /^([^=!]+?)(==|=|!=)(.*)$/.exec(part.trim());
    if (parsed === null) throw badRequest(`invalid field selector: ${part}`);
    const [, path = '', operator, value = ''] = parsed;
    const known = path === 'metadata.name' || path === 'metadata.namespace';
    const own = SELECTABLE[groupResource];
    if (!known && own?.includes(path) !== true) {
      const hint = `"${path}" is not a known field selector: only "metadata.name", "metadata.namespace"`;
      throw badRequest(own === undefined ? hint : `field label not supported: ${path}`);
    }
    return (object) => (fieldAt(object, path) === value) === (operator !== '!=');
  });
  return (object) => tests.every((matches) => matches(object));
}

function fieldAt(object: KubernetesObject, path: string): string {
  let current: unknown = object;
  for (const step of path.split('.')) {
    current = typeof current === 'object' && current !== null ? Reflect.get(current, step) : undefined;
  }
  if (typeof current === 'string') return current;
  return current === undefined || current === null ? '' : JSON.stringify(current);
}
