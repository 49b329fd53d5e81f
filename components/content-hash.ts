import { createHash } from 'node:crypto';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Component } from './bill-of-materials.ts';

const SOURCE = /\.(go|c|mod|sum)$/;

/**
 * Names what a component is made of: its sources and module files in `folder`, its entry in the bill of materials and, for an
 * image, the image builder. Compilers are not in it.
 */
export function contentHash(component: Component, folder: string): string {
  const hash = createHash('sha256');
  const add = (name: string, content: string | Uint8Array): void => {
    hash.update(`${name}\0${content.length}\0`).update(content);
  };
  add('entry', JSON.stringify(component));
  if (component.output === 'image') add('image.ts', readFileSync(join(import.meta.dirname, 'image.ts')));
  const names = readdirSync(folder, { recursive: true, encoding: 'utf8' });
  for (const name of names.filter((name) => SOURCE.test(name)).toSorted()) add(name, readFileSync(join(folder, name)));
  return hash.digest('hex');
}
