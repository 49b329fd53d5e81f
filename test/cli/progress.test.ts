import { stripVTControlCharacters } from 'node:util';
import { expect, test } from 'vitest';
import type { StartStep } from '../../src/bootstrap/start-graph.ts';
import { Progress } from '../../src/cli/progress.ts';
import { VirtualClock } from '../../src/core/testing/virtual-clock.ts';

const images: StartStep = { title: 'images', needs: [] };
const apiserver: StartStep = { title: 'kube-apiserver', needs: [] };

test('a file gets one plain line for each step that has ended', () => {
  let written = '';
  using progress = new Progress({ clock: new VirtualClock(), write: (text) => (written += text) });
  progress.report({ type: 'started', step: images });
  progress.report({ type: 'started', step: apiserver });
  progress.report({ type: 'finished', step: images, took: 1040 });
  progress.report({ type: 'failed', step: apiserver, took: 2000, error: new Error('port taken') });
  expect(written).toBe('✔ images (1.0 s)\n✘ kube-apiserver (2.0 s)\n');
});

test('a terminal shows the steps under way below the lines, and nothing of them at the end', async () => {
  const clock = new VirtualClock();
  const screen = new Screen();
  const progress = new Progress({ clock, width: () => 80, write: screen.write });
  progress.report({ type: 'started', step: images });
  progress.report({ type: 'started', step: apiserver });
  await clock.advance(500);
  expect(screen.lines).toEqual([expect.stringMatching(/^. images, kube-apiserver \(0\.5 s\)$/)]);
  progress.line('something happened');
  expect(screen.lines).toEqual(['something happened', expect.stringContaining('images, kube-apiserver')]);
  progress[Symbol.dispose]();
  expect(screen.lines).toEqual(['something happened', '']);
  expect(clock.pendingTimers).toBe(0);
});

test('a line that would not fit on the terminal is cut, since one that wraps could not be erased', async () => {
  const clock = new VirtualClock();
  const screen = new Screen();
  using progress = new Progress({ clock, width: () => 24, write: screen.write });
  progress.report({ type: 'started', step: images });
  progress.report({ type: 'started', step: apiserver });
  await clock.advance(100);
  expect(screen.lines[0]).toMatch(/^. images, kube… \(0\.1 s\)$/);
  expect(screen.lines[0]?.length).toBeLessThan(24);
});

/** What a terminal shows of what was written to it. */
class Screen {
  lines = [''];

  readonly write = (text: string): void => {
    if (text === '\r\u001b[2K') {
      this.lines[this.lines.length - 1] = '';
      return;
    }
    const [first = '', ...more] = stripVTControlCharacters(text).split('\n');
    this.lines[this.lines.length - 1] += first;
    this.lines.push(...more);
  };
}
