import { describe, expect, test } from 'vitest';
import {
  containerdConfig,
  crictlConfig,
  expandContainerdTemplate,
  type ContainerdOptions,
} from '../../src/node/containerd-config.ts';

const options: ContainerdOptions = {
  root: '/data/agent/containerd',
  state: '/run/k3s/containerd',
  configDirectory: '/data/agent/etc/containerd',
  runc: '/data/bin/runc',
  snapshotter: 'overlayfs',
  pauseImage: 'k3s.local/pause:1',
  cni: { binDirectories: ['/data/cni', '/data/bin'], configDirectory: '/data/agent/etc/cni/net.d' },
  cgroupDriver: 'cgroupfs',
  restrictOomScore: false,
  debug: false,
};

describe('containerdConfig', () => {
  test('is the whole configuration of a node with our network', () => {
    expect(containerdConfig(options)).toBe(`version = 3
root = "/data/agent/containerd"
state = "/run/k3s/containerd"
imports = ["/data/agent/etc/containerd/config-v3.toml.d/*.toml"]
disabled_plugins = ["io.containerd.internal.v1.opt"]

[grpc]
address = "/run/k3s/containerd/containerd.sock"

[debug]
level = "info"

[plugins."io.containerd.cri.v1.images"]
snapshotter = "overlayfs"
disable_snapshot_annotations = true
use_local_image_pull = true

[plugins."io.containerd.cri.v1.images".pinned_images]
sandbox = "k3s.local/pause:1"

[plugins."io.containerd.cri.v1.images".registry]
config_path = "/data/agent/etc/containerd/certs.d"

[plugins."io.containerd.cri.v1.runtime"]
restrict_oom_score_adj = false
enable_unprivileged_ports = true
enable_unprivileged_icmp = true
netns_mounts_under_state_dir = true

[plugins."io.containerd.cri.v1.runtime".cni]
use_internal_loopback = true
bin_dirs = ["/data/cni", "/data/bin"]
conf_dir = "/data/agent/etc/cni/net.d"

[plugins."io.containerd.cri.v1.runtime".containerd]
default_runtime_name = "runc"

[plugins."io.containerd.cri.v1.runtime".containerd.runtimes.runc]
runtime_type = "io.containerd.runc.v2"

[plugins."io.containerd.cri.v1.runtime".containerd.runtimes.runc.options]
BinaryName = "/data/bin/runc"
SystemdCgroup = false
`);
  });

  test('leaves CNI directories at containerd’s defaults when the user brings a network', () => {
    const { cni: _, ...without } = options;
    const text = containerdConfig(without);
    expect(text).not.toContain('bin_dirs');
    expect(text).not.toContain('conf_dir =');
  });

  test('says so where oom_score_adj cannot be lowered, systemd owns the cgroups, or debugging is on', () => {
    const text = containerdConfig({ ...options, restrictOomScore: true, cgroupDriver: 'systemd', debug: true });
    expect(text).toContain('restrict_oom_score_adj = true');
    expect(text).toContain('SystemdCgroup = true');
    expect(text).toContain('level = "debug"');
  });
});

describe('expandContainerdTemplate', () => {
  test('puts the generated configuration where the template asks for it', () => {
    const template = '{{ template "base" . }}\n\n[metrics]\naddress = "127.0.0.1:1338"\n';
    expect(expandContainerdTemplate(template, 'version = 3\n', '/t')).toBe(
      'version = 3\n\n[metrics]\naddress = "127.0.0.1:1338"\n',
    );
  });

  test('keeps dollar signs of the configuration as they are', () => {
    expect(expandContainerdTemplate('{{- template "base" . -}}', 'a = "$&"\n', '/t')).toBe('a = "$&"');
  });

  test('refuses other template actions and names file and line', () => {
    const expand = (): string =>
      expandContainerdTemplate('version = 3\nroot = "{{ .NodeConfig.Containerd.Root }}"\n', '', '/etc/x.tmpl');
    expect(expand).toThrow('/etc/x.tmpl:2: cannot expand {{ .NodeConfig.Containerd.Root }}');
    expect(expand).toThrow(expect.objectContaining({ code: 'K3S_CONTAINERD_TEMPLATE' }));
  });
});

test('crictl is pointed at the same socket as kubelet', () => {
  expect(crictlConfig('/run/k3s/containerd')).toBe('runtime-endpoint: unix:///run/k3s/containerd/containerd.sock\n');
});
