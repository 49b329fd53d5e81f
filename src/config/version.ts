/** What this program calls itself. The Kubernetes version is the one pinned in components/engine/go.mod; a test compares them. */
export const VERSION = { k3s: 'v1.36.3+k3s-ts0.1.0', kubernetes: 'v1.36.3' } as const;
