import { join } from 'node:path';
import { mergeExtraArguments, type ArgumentValue } from '../config/extra-arguments.ts';
import type { ServerConfig } from '../config/server-config.ts';
import type { ServerPki } from '../pki/server-pki.ts';
import type { EnginePlan } from './engine-plan.ts';
import type { ServerPaths } from './server-paths.ts';

interface ControlPlaneInput {
  config: ServerConfig;
  pki: ServerPki;
  paths: ServerPaths;
}

/** Cipher suites of TLS 1.2 that are offered unless the user chooses (k3s-io/k3s: default of every TLS listener). */
const CIPHER_SUITES = ['ECDSA', 'RSA']
  .flatMap((key) => [
    `ECDHE_${key}_WITH_AES_256_GCM_SHA384`,
    `ECDHE_${key}_WITH_AES_128_GCM_SHA256`,
    `ECDHE_${key}_WITH_CHACHA20_POLY1305_SHA256`,
  ])
  .map((suite) => `TLS_${suite}`)
  .join(',');

/** What `engine control-plane` runs, with the arguments of k3s and the user's own merged in. */
export function controlPlanePlan(input: ControlPlaneInput): EnginePlan {
  const { config } = input;
  const components = [
    { name: 'kube-apiserver', args: mergeExtraArguments(apiServerArguments(input), config.kubeApiserverArg) },
  ];
  if (!config.disableControllerManager) {
    components.push({
      name: 'kube-controller-manager',
      args: mergeExtraArguments(controllerManagerArguments(input), config.kubeControllerManagerArg),
    });
  }
  if (!config.disableScheduler) {
    components.push({
      name: 'kube-scheduler',
      args: mergeExtraArguments(schedulerArguments(input), config.kubeSchedulerArg),
    });
  }
  return { stopTimeoutSeconds: 8, components };
}

function apiServerArguments({ config, pki, paths }: ControlPlaneInput): Record<string, ArgumentValue> {
  const issuer = `https://kubernetes.default.svc.${config.clusterDomain}`;
  const { authorities, leaves, serviceAccountKeys } = pki;
  return {
    'advertise-address': config.advertiseAddress,
    'allow-privileged': 'true',
    'anonymous-auth': 'false',
    'api-audiences': `${issuer},k3s`,
    'authorization-mode': 'Node,RBAC',
    'bind-address': config.loopback,
    'cert-dir': join(paths.tls, 'temporary-certs'),
    'client-ca-file': authorities.client.certificateFile,
    'enable-admission-plugins': 'NodeRestriction',
    'enable-bootstrap-token-auth': 'true',
    // The controller api-endpoint writes where pods reach the API: on the front's port, which kube-apiserver does not know.
    'endpoint-reconciler-type': 'none',
    'etcd-servers': `unix://${paths.datastoreSocket}`,
    'kubelet-certificate-authority': authorities.server.certificateFile,
    'kubelet-client-certificate': leaves.apiServerClient.certificateFile,
    'kubelet-client-key': leaves.apiServerClient.keyFile,
    'kubelet-preferred-address-types': 'InternalIP,ExternalIP,Hostname',
    profiling: 'false',
    'proxy-client-cert-file': leaves.authProxy.certificateFile,
    'proxy-client-key-file': leaves.authProxy.keyFile,
    'requestheader-allowed-names': 'system:auth-proxy',
    'requestheader-client-ca-file': authorities.requestHeader.certificateFile,
    'requestheader-extra-headers-prefix': 'X-Remote-Extra-',
    'requestheader-group-headers': 'X-Remote-Group',
    'requestheader-username-headers': 'X-Remote-User',
    'secure-port': String(config.apiServerPort),
    'service-account-issuer': issuer,
    'service-account-key-file': serviceAccountKeys.keyFile,
    'service-account-signing-key-file': serviceAccountKeys.signingKeyFile,
    'service-cluster-ip-range': config.serviceCidr.join(','),
    'service-node-port-range': config.serviceNodePortRange,
    'storage-backend': 'etcd3',
    'tls-cert-file': leaves.apiServerServing.certificateFile,
    'tls-cipher-suites': CIPHER_SUITES,
    'tls-private-key-file': leaves.apiServerServing.keyFile,
  };
}

function controllerManagerArguments({ config, pki, paths }: ControlPlaneInput): Record<string, ArgumentValue> {
  const { authorities, leaves, signingCertificateFiles, serviceAccountKeys } = pki;
  const kubeconfig = join(paths.credentials, 'controller.kubeconfig');
  const client = { cert: signingCertificateFiles.client, key: authorities.client.keyFile };
  const server = { cert: signingCertificateFiles.server, key: authorities.server.keyFile };
  return {
    'allocate-node-cidrs': 'true',
    'authentication-kubeconfig': kubeconfig,
    'authorization-kubeconfig': kubeconfig,
    'bind-address': config.loopback,
    'cluster-cidr': config.clusterCidr.join(','),
    'cluster-signing-kube-apiserver-client-cert-file': client.cert,
    'cluster-signing-kube-apiserver-client-key-file': client.key,
    'cluster-signing-kubelet-client-cert-file': client.cert,
    'cluster-signing-kubelet-client-key-file': client.key,
    'cluster-signing-kubelet-serving-cert-file': server.cert,
    'cluster-signing-kubelet-serving-key-file': server.key,
    'cluster-signing-legacy-unknown-cert-file': server.cert,
    'cluster-signing-legacy-unknown-key-file': server.key,
    controllers: '*,tokencleaner',
    // Upstream's 20 a second are used up by the controllers' own start: a new node then waits four seconds for its pod range.
    'kube-api-burst': '400',
    'kube-api-qps': '200',
    kubeconfig,
    'leader-elect': 'false',
    profiling: 'false',
    'root-ca-file': authorities.server.certificateFile,
    'secure-port': '10257',
    'service-account-private-key-file': serviceAccountKeys.signingKeyFile,
    'service-cluster-ip-range': config.serviceCidr.join(','),
    'tls-cert-file': leaves.controllerManagerServing.certificateFile,
    'tls-private-key-file': leaves.controllerManagerServing.keyFile,
    'use-service-account-credentials': 'true',
  };
}

function schedulerArguments({ config, pki, paths }: ControlPlaneInput): Record<string, ArgumentValue> {
  const kubeconfig = join(paths.credentials, 'scheduler.kubeconfig');
  return {
    'authentication-kubeconfig': kubeconfig,
    'authorization-kubeconfig': kubeconfig,
    'bind-address': config.loopback,
    kubeconfig,
    'leader-elect': 'false',
    profiling: 'false',
    'secure-port': '10259',
    'tls-cert-file': pki.leaves.schedulerServing.certificateFile,
    'tls-private-key-file': pki.leaves.schedulerServing.keyFile,
  };
}
