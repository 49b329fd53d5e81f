import { expect, test } from 'vitest';
import { addonNames } from '../../../src/controllers/manifests/addon-name.ts';
import { isDisabled } from '../../../src/controllers/manifests/disable.ts';

test.each([
  ['coredns.yaml', 'coredns'],
  ['metrics-server/deployment.yaml', 'deployment'],
  ['app.v2.prod.yml', 'app'],
])('%s gives an Addon named %s', (key, name) => {
  expect(addonNames(key).plain).toBe(name);
});

test.each(['My App.yaml', 'UPPER.json', '-x-.yaml', 'é.yaml'])(
  '%s has no plain name, but one that Kubernetes takes',
  (key) => {
    const { plain, distinct } = addonNames(key);
    expect(plain).toBeUndefined();
    expect(distinct).toMatch(/^[a-z0-9]([a-z0-9-]*[a-z0-9])?$/);
  },
);

test('equal file names in different folders have different distinct names', () => {
  expect(addonNames('a/app.yaml').plain).toBe(addonNames('b/app.yaml').plain);
  expect(addonNames('a/app.yaml').distinct).not.toBe(addonNames('b/app.yaml').distinct);
});

test('a very long file name gives a name within the limit of 253 characters', () => {
  expect(addonNames(`${'x'.repeat(250)}.yaml`).distinct.length).toBeLessThanOrEqual(253);
});

test.each([
  ['coredns.yaml', true],
  ['coredns.yml', true],
  ['metrics-server/rbac.yaml', true],
  ['deep/metrics-server/rbac.yaml', true],
  ['coredns-custom.yaml', false],
  ['coredns.local.yaml', false],
  ['metrics-server-extra/rbac.yaml', false],
])('--disable coredns,metrics-server disables %s: %s', (key, disabled) => {
  expect(isDisabled(key, new Set(['coredns', 'metrics-server']))).toBe(disabled);
});
