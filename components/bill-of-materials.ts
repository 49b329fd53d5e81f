/**
 * Everything in the product that is not TypeScript: what it is, under which licence, and how it is built from where. Versions of Go
 * modules are pinned, with checksums, in `<name>/go.mod` and `go.sum`; a test compares them with what is said here.
 */

/** Third-party code that goes into a component. */
export interface Part {
  readonly name: string;
  readonly version: string;
  /** Go module path; absent for libraries of the build machine. */
  readonly module?: string;
  /** SPDX identifier. */
  readonly licence: string;
}

export interface GoBuild {
  readonly kind: 'go';
  /** Main packages; each program is named after its package's last element, `.` after the component. */
  readonly packages: readonly string[];
  /** Programs are static in either case; with `cgo` they are linked with the machine's C libraries. */
  readonly cgo?: boolean;
  readonly tags?: readonly string[];
  /** Variables that the linker sets, mostly versions. */
  readonly stamps?: Readonly<Record<string, string>>;
}

export interface CBuild {
  readonly kind: 'c';
  readonly source: string;
  readonly program: string;
}

export interface Component {
  /** Also the folder beside this file that holds its sources. */
  readonly name: string;
  readonly version: string;
  readonly what: string;
  readonly parts: readonly Part[];
  readonly build: GoBuild | CBuild;
  /** Where the programs go: a folder of the output, or an image of nothing but the one program, named `k3s.local/<name>:<version>`. */
  readonly output: 'bin' | 'cni' | 'image';
  /** Numeric user and group of the image's process; root where absent. */
  readonly user?: string;
}

const KUBERNETES = '1.36.3';
const CONTAINERD = '2.3.7';
const HELM = '4.3.1';
const FLANNEL = '0.28.4';

const kubernetesVersion = 'k8s.io/component-base/version';
const clientVersion = 'k8s.io/client-go/pkg/version';
const cni = 'github.com/containernetworking/plugins';
const glibc: Part = { name: 'GNU C library', version: "the build machine's", licence: 'LGPL-2.1-or-later' };

export const components: readonly Component[] = [
  {
    name: 'pause',
    version: '1.0.0',
    what: 'the first process of every pod',
    parts: [glibc],
    build: { kind: 'c', source: 'pause.c', program: 'pause' },
    output: 'image',
    user: '65535:65535',
  },
  {
    name: 'cni-plugins',
    version: '1.9.1',
    what: 'bridge, host-local, loopback, portmap, firewall and bandwidth',
    parts: [{ name: 'CNI plugins', version: '1.9.1', module: cni, licence: 'Apache-2.0' }],
    build: {
      kind: 'go',
      packages: [
        `${cni}/plugins/main/bridge`,
        `${cni}/plugins/ipam/host-local`,
        `${cni}/plugins/main/loopback`,
        `${cni}/plugins/meta/portmap`,
        `${cni}/plugins/meta/firewall`,
        `${cni}/plugins/meta/bandwidth`,
      ],
      stamps: { [`${cni}/pkg/utils/buildversion.BuildVersion`]: 'v1.9.1' },
    },
    output: 'cni',
  },
  {
    name: 'runc',
    version: '1.5.2',
    what: 'the program that starts containers, with seccomp',
    parts: [
      { name: 'runc', version: '1.5.2', module: 'github.com/opencontainers/runc', licence: 'Apache-2.0' },
      { name: 'libseccomp', version: "the build machine's", licence: 'LGPL-2.1-only' },
      glibc,
    ],
    build: {
      kind: 'go',
      packages: ['github.com/opencontainers/runc'],
      cgo: true,
      tags: ['seccomp', 'netgo', 'osusergo'],
    },
    output: 'bin',
  },
  {
    name: 'containerd-shim-runc-v2',
    version: CONTAINERD,
    what: 'one small process per pod between containerd and runc',
    parts: [
      {
        name: 'containerd',
        version: CONTAINERD,
        module: 'github.com/containerd/containerd/v2',
        licence: 'Apache-2.0',
      },
    ],
    build: {
      kind: 'go',
      packages: ['github.com/containerd/containerd/v2/cmd/containerd-shim-runc-v2'],
      stamps: { 'github.com/containerd/containerd/v2/version.Version': CONTAINERD },
    },
    output: 'bin',
  },
  {
    name: 'engine',
    version: KUBERNETES,
    what: `Kubernetes ${KUBERNETES}, containerd ${CONTAINERD}, flannel, helm and etcd in one program`,
    parts: [
      { name: 'Kubernetes', version: KUBERNETES, module: 'k8s.io/kubernetes', licence: 'Apache-2.0' },
      {
        name: 'containerd',
        version: CONTAINERD,
        module: 'github.com/containerd/containerd/v2',
        licence: 'Apache-2.0',
      },
      { name: 'flannel', version: FLANNEL, module: 'github.com/flannel-io/flannel', licence: 'Apache-2.0' },
      { name: 'Helm', version: HELM, module: 'helm.sh/helm/v4', licence: 'Apache-2.0' },
      { name: 'etcd', version: '3.7.3', module: 'go.etcd.io/etcd/server/v3', licence: 'Apache-2.0' },
      { name: 'etcdctl', version: '3.7.3', module: 'go.etcd.io/etcd/etcdctl/v3', licence: 'Apache-2.0' },
      { name: 'etcdutl', version: '3.7.3', module: 'go.etcd.io/etcd/etcdutl/v3', licence: 'Apache-2.0' },
    ],
    build: {
      kind: 'go',
      packages: ['.'],
      stamps: {
        [`${kubernetesVersion}.gitVersion`]: `v${KUBERNETES}`,
        [`${kubernetesVersion}.gitMajor`]: '1',
        [`${kubernetesVersion}.gitMinor`]: '36',
        [`${kubernetesVersion}.gitCommit`]: '',
        [`${kubernetesVersion}.gitTreeState`]: 'clean',
        [`${clientVersion}.gitVersion`]: 'v0.36.3',
        [`${clientVersion}.gitCommit`]: '',
        'github.com/containerd/containerd/v2/version.Version': CONTAINERD,
        'github.com/flannel-io/flannel/pkg/version.Version': `v${FLANNEL}`,
        'helm.sh/helm/v4/internal/version.version': `v${HELM}`,
      },
    },
    output: 'bin',
  },
  {
    name: 'crictl',
    version: '1.36.0',
    what: "the command that looks into containerd the kubelet's way",
    parts: [{ name: 'cri-tools', version: '1.36.0', module: 'sigs.k8s.io/cri-tools', licence: 'Apache-2.0' }],
    build: {
      kind: 'go',
      packages: ['sigs.k8s.io/cri-tools/cmd/crictl'],
      stamps: { 'sigs.k8s.io/cri-tools/pkg/version.Version': 'v1.36.0' },
    },
    output: 'bin',
  },
  {
    name: 'coredns',
    version: '1.15.0',
    what: 'the DNS server of the cluster',
    parts: [{ name: 'CoreDNS', version: '1.15.0', module: 'github.com/coredns/coredns', licence: 'Apache-2.0' }],
    build: { kind: 'go', packages: ['.'] },
    output: 'image',
  },
];
