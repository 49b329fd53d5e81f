import type { Machine } from '../../test/machine.ts';

/**
 * What a reboot does to a machine: every process is gone, pods included, and with them mounts, interfaces, packet rules, control
 * groups and all that was only in memory; disks stay.
 */
export async function reboot(machine: Machine): Promise<void> {
  await machine.run(REBOOT);
}

/** `kill -1` spares process 1 and the shell itself. */
const REBOOT = `
kill -KILL -1 || true
while set -- /proc/[0-9]*; test $# -gt 2; do sleep 0.05; done
while awk '$5 ~ /^\\/(run|var\\/lib\\/(kubelet|rancher))\\/./ && $5 != "/run/home" { print $5 }' /proc/self/mountinfo | sort -r >/tmp/mounts
  test -s /tmp/mounts
do
  while read -r mount; do umount -l "$mount" || true; done </tmp/mounts
done
find /run -mindepth 1 -maxdepth 1 ! -name home ! -name lock -exec rm -rf {} +
find /tmp -mindepth 1 -delete
for link in $(ip -o link show | awk -F': ' '{ sub(/@.*/, "", $2); print $2 }'); do
  case $link in lo | eth0) ;; *) ip link delete "$link" 2>/dev/null || true ;; esac
done
nft flush ruleset
find /sys/fs/cgroup -mindepth 2 -type d -path '*kube*' 2>/dev/null | sort -r | while read -r group; do rmdir "$group" || true; done
`;
