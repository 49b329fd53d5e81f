import { describe, expect, test } from 'vitest';
import { Scope } from '../../src/core/scope.ts';

describe('Scope', () => {
  test('closes what was opened in it in reverse order, once', async () => {
    const closed: string[] = [];
    const scope = new Scope();
    scope.defer(() => void closed.push('first opened'));
    scope.defer(() => void closed.push('second opened'));
    await Promise.all([scope[Symbol.asyncDispose](), scope[Symbol.asyncDispose]()]);
    expect(closed).toEqual(['second opened', 'first opened']);
  });

  test('aborts its signal when its parent does, and before closing anything', async () => {
    const parent = new AbortController();
    const scope = new Scope(parent.signal);
    parent.abort(new Error('stop'));
    expect(scope.signal.aborted).toBe(true);

    const other = new Scope();
    let abortedWhenClosing = false;
    other.defer(() => void (abortedWhenClosing = other.signal.aborted));
    await other[Symbol.asyncDispose]();
    expect(abortedWhenClosing).toBe(true);
  });
});
