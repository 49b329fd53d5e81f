import { describe, expect, test } from 'vitest';
import type { Component } from '../../components/bill-of-materials.ts';
import { compilersOf, requireTools, type Toolchain } from '../../components/toolchain.ts';
import { K3sError } from '../../src/core/errors.ts';

const make = (name: string, build: Component['build']): Component => ({
  name,
  version: '1.0.0',
  what: 'an example',
  parts: [],
  build,
  output: 'bin',
});

const pure = make('pure', { kind: 'go', packages: ['.'] });
const linked = make('linked', { kind: 'go', packages: ['.'], cgo: true });
const inC = make('in-c', { kind: 'c', source: 'a.c', program: 'a' });

const nothing: Toolchain = { problems: { go: 'Go is missing', c: ['gcc is missing', 'libseccomp.a is missing'] } };
const onlyGo: Toolchain = {
  go: { path: '/go', version: 'go1.26.8', environment: {} },
  problems: { c: ['gcc is missing'] },
};
const complete: Toolchain = { ...onlyGo, c: 'gcc 12', problems: { c: [] } };

function messageOf(run: () => void): string {
  try {
    run();
    return '';
  } catch (error) {
    expect(error).toBeInstanceOf(K3sError);
    expect((error as K3sError).code).toBe('K3S_COMPONENTS_TOOLS_MISSING');
    return (error as K3sError).message;
  }
}

describe('missing tools', () => {
  test('are named all at once, with the components that need them', () => {
    expect(messageOf(() => requireTools([pure, linked], nothing))).toBe(
      'tools are missing to build pure, linked: Go is missing; gcc is missing; libseccomp.a is missing',
    );
  });

  test('do not matter to components that are built without them', () => {
    expect(messageOf(() => requireTools([pure], onlyGo))).toBe('');
    expect(messageOf(() => requireTools([inC], nothing))).not.toContain('Go');
  });

  test('do not matter where there is nothing to build', () => {
    expect(messageOf(() => requireTools([], nothing))).toBe('');
  });
});

describe('the compilers of a component', () => {
  test('are those that its bytes depend on', () => {
    expect(compilersOf(pure, complete)).toBe('go1.26.8');
    expect(compilersOf(linked, complete)).toBe('go1.26.8, gcc 12');
    expect(compilersOf(inC, complete)).toBe('gcc 12');
  });

  test('are unknown where one of them is missing', () => {
    expect(compilersOf(linked, onlyGo)).toBeUndefined();
    expect(compilersOf(inC, nothing)).toBeUndefined();
  });
});
