/** Bits of a process's capability sets (linux/capability.h). */
export const Capability = { netAdmin: 12, sysAdmin: 21, sysResource: 24 } as const;

/** Whether the effective set in the text of /proc/PID/status has the capability. */
export function hasCapability(status: string, capability: number): boolean {
  const mask = /^CapEff:\s*([0-9a-f]+)$/m.exec(status)?.[1] ?? '0';
  return ((BigInt(`0x${mask}`) >> BigInt(capability)) & 1n) === 1n;
}
