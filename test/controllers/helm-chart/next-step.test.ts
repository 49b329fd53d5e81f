import { describe, expect, test } from 'vitest';
import { nextStep } from '../../../src/controllers/helm-chart/next-step.ts';
import type { ReleaseRecord } from '../../../src/controllers/helm-chart/release-record.ts';

const records = (...states: [status: string, hash?: string][]): ReleaseRecord[] =>
  states.map(([status, hash], at) => ({
    object: { apiVersion: 'v1', kind: 'Secret', metadata: { name: `r${at}` } },
    revision: at + 1,
    status,
    hash,
  }));

describe('what comes next for a release', () => {
  test.each([
    ['is not there', records(), { type: 'upgrade', first: true }],
    ['was uninstalled and kept its history', records(['uninstalled', 'WANT']), { type: 'upgrade', first: true }],
    ['is deployed as wanted', records(['superseded', 'OLD'], ['deployed', 'WANT']), { type: 'none' }],
    ['is deployed with other settings', records(['deployed', 'OLD']), { type: 'upgrade', first: false }],
    ['was deployed by hand', records(['deployed']), { type: 'upgrade', first: false }],
    ['was being uninstalled', records(['deployed', 'WANT'], ['uninstalling', 'WANT']), { type: 'reinstall' }],
    ['never worked', records(['failed', 'WANT']), { type: 'reinstall' }],
    ['never worked and was interrupted', records(['pending-install', 'WANT']), { type: 'reinstall' }],
  ])('that %s', (_, given, expected) => {
    expect(nextStep(given, 'WANT', 'reinstall')).toMatchObject(expected);
  });

  test('that worked once is never uninstalled because an upgrade failed', () => {
    const given = records(['deployed', 'OLD'], ['failed', 'WANT']);
    for (const policy of ['reinstall', 'retry'] as const) {
      expect(nextStep(given, 'WANT', policy)).toEqual({ type: 'upgrade', first: false, forget: undefined });
    }
  });

  test('whose upgrade was interrupted has that revision forgotten', () => {
    const given = records(['deployed', 'OLD'], ['pending-upgrade', 'WANT']);
    expect(nextStep(given, 'WANT', 'abort')).toEqual({ type: 'upgrade', first: false, forget: given[1] });
  });

  test('is tried again by policy retry, without uninstalling', () => {
    expect(nextStep(records(['failed', 'WANT']), 'WANT', 'retry')).toEqual({
      type: 'upgrade',
      first: true,
      forget: undefined,
    });
  });

  test('is left alone by policy abort until the settings change', () => {
    expect(nextStep(records(['failed', 'WANT']), 'WANT', 'abort')).toEqual({ type: 'give up' });
    expect(nextStep(records(['failed', 'OLD']), 'WANT', 'abort')).toMatchObject({ type: 'upgrade' });
  });
});
