/**
 * Whether `--disable NAME` names the file: by the part of its name before the last dot, or by a folder that it is in
 * (`metrics-server/deployment.yaml` by `metrics-server`).
 */
export function isDisabled(key: string, disabled: ReadonlySet<string>): boolean {
  const folders = key.split('/');
  const name = folders.pop() ?? '';
  return folders.some((folder) => disabled.has(folder)) || disabled.has(name.replace(/\.[^.]*$/, ''));
}
