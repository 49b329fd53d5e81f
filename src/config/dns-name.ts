const LABEL = /^[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?$/;

/** Whether `name` is a DNS subdomain as Kubernetes defines it for names of objects (RFC 1123): labels in lower case, joined by dots. */
export function isDnsName(name: string): boolean {
  return name.length <= 253 && name.split('.').every((label) => LABEL.test(label));
}

/** Like `isDnsName`, in any case, with `*` allowed as the first label, as certificates have it. */
export function isCertificateName(name: string): boolean {
  return isDnsName(name.toLowerCase().replace(/^\*\./, ''));
}
