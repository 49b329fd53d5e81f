/**
 * Resource versions grow within one kind and may be longer than a double can hold, so they are compared as integers of any
 * length. What is not a decimal number (a virtual object, an empty string) counts as older than everything.
 */
export function revisionOf(resourceVersion: string | undefined): bigint {
  return resourceVersion !== undefined && /^\d+$/.test(resourceVersion) ? BigInt(resourceVersion) : 0n;
}
