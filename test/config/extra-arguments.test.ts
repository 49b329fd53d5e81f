import { describe, expect, test } from 'vitest';
import { extraArgument, mergeExtraArguments, parseExtraArgument } from '../../src/config/extra-arguments.ts';

describe("a component's command line", () => {
  test('is sorted by key, with built-in values where the user says nothing', () => {
    expect(mergeExtraArguments({ b: '2', a: '1' }, [])).toEqual(['--a=1', '--b=2']);
  });

  test.each([
    ['key=value', ['--key=value']],
    ['--key=value', ['--key=value']],
    ['key', ['--key=true']],
    ['key=', ['--key=']],
    ['key=a=b', ['--key=a=b']],
    ['key+=value', ['--key=built-in', '--key=value']],
    ['key-=value', ['--key=value', '--key=built-in']],
    ['--key+=value', ['--key=built-in', '--key=value']],
  ])('follows the user: %s', (item, expected) => {
    expect(mergeExtraArguments({ key: 'built-in' }, [item])).toEqual(expected);
  });

  test('repeats a flag that the user repeats, without the built-in value', () => {
    expect(mergeExtraArguments({ key: 'built-in' }, ['key=a', 'key=b'])).toEqual(['--key=a', '--key=b']);
  });

  test('takes additions in the order they are given', () => {
    expect(mergeExtraArguments({ key: '0' }, ['key+=1', 'key-=2', 'key+=3'])).toEqual([
      '--key=2',
      '--key=0',
      '--key=1',
      '--key=3',
    ]);
    expect(mergeExtraArguments({ key: '0' }, ['key=1', 'key+=2'])).toEqual(['--key=1', '--key=2']);
  });

  test('has flags that only the user knows', () => {
    expect(mergeExtraArguments({ m: '1' }, ['z=1', 'a+=2'])).toEqual(['--a=2', '--m=1', '--z=1']);
  });

  test('repeats built-in values that are several, and leaves the input alone', () => {
    const builtIn = { key: ['a', 'b'] } as const;
    expect(mergeExtraArguments(builtIn, ['key+=c'])).toEqual(['--key=a', '--key=b', '--key=c']);
    expect(builtIn).toEqual({ key: ['a', 'b'] });
  });

  test('keeps dashes inside of keys', () => {
    expect(parseExtraArgument('v-module=x')).toEqual({ key: 'v-module', operation: 'replace', value: 'x' });
  });
});

test('the last word of the user about an argument can be asked for', () => {
  expect(extraArgument(['v=1', '--v=2', 'w=3'], 'v')).toBe('2');
  expect(extraArgument(['v=1'], 'x')).toBeUndefined();
});
