import { TEST_TOOLS } from './images.ts';

/** A container of a pod's spec that runs this shell script. */
export function toolsContainer(script: string, more: object = {}): object {
  return { name: 'tools', image: TEST_TOOLS, command: ['/bin/sh', '-ec', script], ...more };
}

export interface PodExtras {
  readonly volumes?: readonly object[];
  readonly volumeMounts?: readonly object[];
}

/** A pod that runs this shell script, labelled `app: <name>`. Without grace: a shell as process 1 ignores SIGTERM. */
export function toolsPod(name: string, script: string, { volumes = [], volumeMounts = [] }: PodExtras = {}): object {
  return {
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: { name, labels: { app: name } },
    spec: { terminationGracePeriodSeconds: 0, volumes, containers: [toolsContainer(script, { volumeMounts })] },
  };
}

/** A script for a web server on port 8080 that says this at `/`. */
export function webServer(text: string): string {
  return `mkdir /www; echo '${text}' > /www/index.html; exec httpd -f -p 8080 -h /www`;
}

export const SLEEP = 'exec sleep 1d';

/** A service on port 80 of the pods that are labelled `app: <name>`. */
export function webService(name: string, spec: object = {}): object {
  return {
    apiVersion: 'v1',
    kind: 'Service',
    metadata: { name },
    spec: { selector: { app: name }, ports: [{ port: 80, targetPort: 8080 }], ...spec },
  };
}
