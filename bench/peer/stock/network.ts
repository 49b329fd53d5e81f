/** The networks that kubeadm's documentation uses. */
export const POD_NETWORK = '10.244.0.0/16';
export const SERVICE_NETWORK = '10.96.0.0/12';
export const API_SERVICE = '10.96.0.1';
export const DNS_SERVICE = '10.96.0.10';
export const DOMAIN = 'cluster.local';
export const PORT = 6443;
