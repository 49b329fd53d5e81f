import { join } from 'node:path';
import type { StockLayout } from './layout.ts';

export interface StockProcess {
  /** An applet of the engine. */
  readonly name: string;
  readonly flags: Readonly<Record<string, string>>;
}

/** Go's own default, which the engine halves. */
const GARBAGE_COLLECTION = 100;

/** Starts everything side by side, as a machine's service manager does at boot, and what ends again after a second. */
export function startScript(layout: StockLayout, processes: readonly StockProcess[]): string {
  const lines = processes.map(({ name, flags }) => {
    const args = Object.entries(flags).map(([flag, value]) => `'--${flag}=${value}'`);
    return `keep ${name} ${args.join(' ')} &`;
  });
  return `
export GOGC=${GARBAGE_COLLECTION} PATH=${join(layout.components, 'bin')}:${join(layout.components, 'cni')}:$PATH
mkdir -p ${layout.logs} ${layout.etcdData}
chmod 700 ${layout.etcdData}
keep() {
  while :; do
    engine "$@" >>"${layout.logs}/$1.log" 2>&1 || true
    sleep 1
  done
}
${lines.join('\n')}
wait
`;
}

/** Ends what keeps the processes running, then the processes, those last that others need for their own end. */
export const STOP_SCRIPT = `
running() {
  for directory in /proc/[0-9]*; do
    case "$(tr '\\0' ' ' <$directory/cmdline 2>/dev/null)" in $1) echo "\${directory#/proc/}" ;; esac
  done
}
finish() {
  for name in "$@"; do
    for id in $(running "engine $name *"); do kill -TERM $id || true; done
  done
  for name in "$@"; do
    for second in 1 2 3 4 5 6 7 8 9 10; do
      test -n "$(running "engine $name *")" || break
      sleep 1
    done
  done
}
for id in $(running 'sh -ec*keep()*'); do test $id = $$ || kill -KILL $id || true; done
finish kubelet kube-proxy flannel kube-scheduler kube-controller-manager
finish kube-apiserver
finish etcd containerd
`;
