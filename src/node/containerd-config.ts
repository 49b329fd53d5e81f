import { join } from 'node:path';
import { K3sError } from '../core/errors.ts';
import { renderToml } from './toml.ts';

export interface ContainerdOptions {
  /** What survives a reboot: `<data-dir>/agent/containerd`. */
  root: string;
  /** Sockets and mounts: `/run/k3s/containerd`. */
  state: string;
  /** `<data-dir>/agent/etc/containerd`: holds config.toml, the user's template and drop-ins, and `certs.d`. */
  configDirectory: string;
  /** Absolute path of runc. */
  runc: string;
  snapshotter: string;
  /** Reference of the image that holds a pod's namespaces. */
  pauseImage: string;
  /** Absent when the user brings a network of their own: containerd then looks in /etc/cni/net.d and /opt/cni/bin. */
  cni?: { binDirectories: readonly string[]; configDirectory: string };
  cgroupDriver: 'cgroupfs' | 'systemd';
  /** True where CAP_SYS_RESOURCE is missing: runc cannot lower oom_score_adj there and fails with an unrelated message. */
  restrictOomScore: boolean;
  debug: boolean;
}

/** The socket on which CRI and containerd's own API are served. */
export function containerdSocket(state: string): string {
  return join(state, 'containerd.sock');
}

/** `config.toml` (configuration version 3, containerd 2.x) as it is without a user's template. */
export function containerdConfig(options: ContainerdOptions): string {
  return renderToml({
    version: 3,
    root: options.root,
    state: options.state,
    imports: [join(options.configDirectory, 'config-v3.toml.d', '*.toml')],
    disabled_plugins: ['io.containerd.internal.v1.opt'],
    grpc: { address: containerdSocket(options.state) },
    debug: { level: options.debug ? 'debug' : 'info' },
    plugins: {
      'io.containerd.cri.v1.images': {
        snapshotter: options.snapshotter,
        disable_snapshot_annotations: true,
        // The transfer service would unpack for its own default snapshotter instead of the configured one.
        use_local_image_pull: true,
        pinned_images: { sandbox: options.pauseImage },
        registry: { config_path: join(options.configDirectory, 'certs.d') },
      },
      'io.containerd.cri.v1.runtime': {
        restrict_oom_score_adj: options.restrictOomScore,
        enable_unprivileged_ports: true,
        enable_unprivileged_icmp: true,
        // Under the state directory, several clusters on one host can be told apart and taken down alone.
        netns_mounts_under_state_dir: true,
        // Saves one process per pod; brings the interface up as the loopback plugin does.
        cni: {
          use_internal_loopback: true,
          bin_dirs: options.cni?.binDirectories,
          conf_dir: options.cni?.configDirectory,
        },
        containerd: {
          default_runtime_name: 'runc',
          runtimes: {
            runc: {
              runtime_type: 'io.containerd.runc.v2',
              options: { BinaryName: options.runc, SystemdCgroup: options.cgroupDriver === 'systemd' },
            },
          },
        },
      },
    },
  });
}

/**
 * The user's `config-v3.toml.tmpl` with every `{{ template "base" . }}` replaced by `base`. Other template actions need the
 * Go program and are refused with their line: `K3S_CONTAINERD_TEMPLATE`.
 */
export function expandContainerdTemplate(template: string, base: string, path: string): string {
  const expanded = template.split('\n').map((line, index) => {
    const replaced = line.replaceAll(/\{\{-?\s*template\s+"base"\s+\.\s*-?\}\}/g, () => base.trimEnd());
    const other = /\{\{.*?(\}\}|$)/.exec(line.replaceAll(/\{\{-?\s*template\s+"base"\s+\.\s*-?\}\}/g, ''));
    if (other === null) return replaced;
    throw new K3sError('K3S_CONTAINERD_TEMPLATE', `${path}:${index + 1}: cannot expand ${other[0]}`, {
      fields: { path, line: index + 1 },
      hint: 'Only {{ template "base" . }} is understood; write the value itself, or use a file in config-v3.toml.d.',
    });
  });
  return expanded.join('\n');
}

/** `crictl.yaml`, so that crictl finds the runtime without flags. */
export function crictlConfig(state: string): string {
  return `runtime-endpoint: unix://${containerdSocket(state)}\n`;
}
