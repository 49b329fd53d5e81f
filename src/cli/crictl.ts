import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { dataDirectory, execBundled } from './bundled-program.ts';

/** crictl with the configuration that the node has written, unless CRI_CONFIG_FILE names another. */
export async function run(args: readonly string[]): Promise<number> {
  const own = join(await dataDirectory(), 'agent/etc/crictl.yaml');
  const env = { ...process.env };
  if (env['CRI_CONFIG_FILE'] === undefined && existsSync(own)) env['CRI_CONFIG_FILE'] = own;
  return await execBundled('crictl', args, env);
}
