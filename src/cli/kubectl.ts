import { accessSync, constants, existsSync } from 'node:fs';
import { homedir } from 'node:os';
import { join } from 'node:path';
import { ADMIN_KUBECONFIG } from '../pki/kubeconfig-files.ts';
import { bundledProgram, execBundled } from './bundled-program.ts';

/** Upstream kubectl, by default with the admin kubeconfig that the server writes. */
export async function run(args: readonly string[]): Promise<number> {
  // Before any word on the kubeconfig, which is missing too where no server has run yet.
  await bundledProgram('kubectl');
  const env = { ...process.env };
  const named = args.some((argument) => argument === '--kubeconfig' || argument.startsWith('--kubeconfig='));
  if (env['KUBECONFIG'] === undefined && !named) {
    const fallback = join(homedir(), '.kube/k3s.yaml');
    env['KUBECONFIG'] = existsSync(ADMIN_KUBECONFIG) ? ADMIN_KUBECONFIG : fallback;
    warnUnreadable(env['KUBECONFIG']);
  }
  return await execBundled('kubectl', args, env);
}

function warnUnreadable(path: string): void {
  try {
    accessSync(path, constants.R_OK);
  } catch {
    process.stderr.write(
      `k3s: cannot read ${path}. Run as root, set KUBECONFIG, or start the server with --write-kubeconfig-mode 0644.\n`,
    );
  }
}
