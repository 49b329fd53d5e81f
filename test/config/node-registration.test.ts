import { describe, expect, test } from 'vitest';
import { labelProblem, taintProblem } from '../../src/config/node-registration.ts';

describe('a label of a node', () => {
  test.each([
    'a=b',
    'a=',
    'example.com/role=worker-1',
    'topology.kubernetes.io/zone=z1',
    'node.kubernetes.io/anything=x',
    'x.kubelet.kubernetes.io/anything=x',
    'node-role.kubernetes.io/worker=true',
    'svccontroller.k3s.cattle.io/enablelb=true',
  ])('may be %s', (label) => {
    expect(labelProblem(label)).toBeUndefined();
  });

  test.each(['', 'a', '=b', 'a b=c', 'a=b c', 'a/b/c=d', `${'a'.repeat(64)}=b`, 'UPPER.example/x=y', '-a=b'])(
    'cannot be %j',
    (label) => {
      expect(labelProblem(label)).toContain('KEY=VALUE');
    },
  );
});

describe('a taint of a node', () => {
  test.each(['key=value:NoSchedule', 'key:NoExecute', 'key=:PreferNoSchedule', 'example.com/key=v:NoSchedule'])(
    'may be %s',
    (taint) => {
      expect(taintProblem(taint)).toBeUndefined();
    },
  );

  test.each(['', 'key', 'key=value', 'key=value:Never', ':NoSchedule', 'a b=c:NoSchedule', 'key=a:b:NoSchedule'])(
    'cannot be %j',
    (taint) => {
      expect(taintProblem(taint)).toContain('NoSchedule, PreferNoSchedule, NoExecute');
    },
  );
});
