import { gzipSync } from 'node:zlib';
import { ConfigMaps, Secrets } from '../../../src/cluster/kinds.ts';
import type { KubernetesObject } from '../../../src/cluster/object.ts';
import type { HelmResult, HelmRun, HelmRunner } from '../../../src/controllers/helm-chart/helm-runner.ts';
import type { FakeCluster } from '../../../src/framework/testing/fake-cluster.ts';

/** How the next run ends. `recorded: false`: before helm wrote anything, as when a repository does not answer. */
export type Ending = { fails: string; recorded?: boolean } | 'hangs' | 'is killed';

/** Keeps releases in the fake cluster as helm does. */
export class FakeHelm implements HelmRunner {
  readonly runs: HelmRun[] = [];
  readonly endings: Ending[] = [];
  /** What ran, without flags: `upgrade --install podinfo`. */
  readonly words: string[] = [];
  cluster: FakeCluster | undefined;

  async run(run: HelmRun, signal: AbortSignal): Promise<HelmResult> {
    this.runs.push(run);
    for (const command of run.commands) {
      const [verb = ''] = command.arguments;
      const name = verb === 'upgrade' ? command.arguments[2] : command.arguments[1];
      this.words.push(verb === 'repo' ? 'repo add' : `${verb} ${name}`);
    }
    const { arguments: words } = run.commands.at(-1) ?? { arguments: [] };
    const ending = this.endings.shift();
    if (ending === 'hangs') {
      await new Promise<void>((resolve) => signal.addEventListener('abort', () => resolve(), { once: true }));
      throw signal.reason;
    }
    if (words[0] === 'uninstall') {
      if (ending !== undefined && ending !== 'is killed')
        return { succeeded: false, output: `Error: ${ending.fails}\n` };
      for (const record of this.#records(run, words))
        this.#cluster.remove(kindOf(run), record.metadata as { name: string });
      return { succeeded: true, output: 'release uninstalled\n' };
    }
    if (ending === undefined) this.#record(run, words, 'deployed');
    else if (ending === 'is killed') this.#record(run, words, 'pending-upgrade');
    else if (ending.recorded !== false) this.#record(run, words, 'failed');
    if (ending === undefined) return { succeeded: true, output: 'STATUS: deployed\n' };
    return {
      succeeded: false,
      output: `level=WARN msg=old\nError: ${ending === 'is killed' ? 'killed' : ending.fails}\n`,
    };
  }

  get #cluster(): FakeCluster {
    if (this.cluster === undefined) throw new Error('no cluster yet');
    return this.cluster;
  }

  #records(run: HelmRun, words: readonly string[]): KubernetesObject[] {
    const name = words[0] === 'upgrade' ? words[2] : words[1];
    const namespace = words[words.indexOf('--namespace') + 1] ?? '';
    return this.#cluster
      .objects<KubernetesObject>(kindOf(run), namespace)
      .filter(({ metadata }) => metadata.labels?.['owner'] === 'helm' && metadata.labels['name'] === name);
  }

  #record(run: HelmRun, words: readonly string[], status: string): void {
    const records = this.#records(run, words);
    const revision = 1 + Math.max(0, ...records.map(({ metadata }) => Number(metadata.labels?.['version'])));
    const [, hashLabel = '', hash = ''] =
      /^--labels=([^=]+)=(.*)$/.exec(words.find((word) => word.startsWith('--labels')) ?? '') ?? [];
    if (status === 'deployed') {
      for (const { metadata } of records) {
        if (metadata.labels?.['status'] !== 'deployed') continue;
        this.#cluster.edit<KubernetesObject>(kindOf(run), metadata as { name: string }, (object) => {
          object.metadata.labels = { ...object.metadata.labels, status: 'superseded' };
        });
      }
    }
    const version = words.includes('--version') ? words[words.indexOf('--version') + 1] : '1.0.0';
    this.#cluster.load(
      releaseObject({
        name: words[2] ?? '',
        namespace: words[words.indexOf('--namespace') + 1] ?? '',
        revision,
        status,
        labels: { [hashLabel]: hash },
        chart: { name: 'podinfo', version: version ?? '', appVersion: '6.0' },
        kind: kindOf(run) === Secrets ? 'Secret' : 'ConfigMap',
      }),
    );
  }
}

function kindOf(run: HelmRun): typeof Secrets | typeof ConfigMaps {
  return run.environment['HELM_DRIVER'] === 'configmap' ? ConfigMaps : Secrets;
}

/** A record of helm's, packed as helm packs it. */
export function releaseObject(release: {
  name: string;
  namespace: string;
  revision: number;
  status: string;
  labels?: Record<string, string>;
  chart?: { name: string; version: string; appVersion: string };
  kind?: 'Secret' | 'ConfigMap';
}): KubernetesObject {
  const { name, namespace, revision, status, labels = {}, chart, kind = 'Secret' } = release;
  const content = {
    name,
    namespace,
    version: revision,
    info: { status, last_deployed: '2026-01-01T00:00:00Z' },
    chart: { metadata: chart },
  };
  const packed = gzipSync(JSON.stringify(content)).toString('base64');
  const object = {
    apiVersion: 'v1',
    kind,
    metadata: {
      name: `sh.helm.release.v1.${name}.v${revision}`,
      namespace,
      labels: { ...labels, owner: 'helm', name, status, version: String(revision) },
    },
    ...(kind === 'Secret' ? { type: 'helm.sh/release.v1' } : {}),
    data: { release: kind === 'Secret' ? Buffer.from(packed).toString('base64') : packed },
  };
  return object;
}
