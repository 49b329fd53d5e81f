import { buffer } from 'node:stream/consumers';
import { gzipSync } from 'node:zlib';
import { pack } from 'tar-stream';

export interface Chart {
  readonly name: string;
  readonly version: string;
  /** File name below `templates/` → content. */
  readonly templates: Readonly<Record<string, string>>;
  /** Default values. */
  readonly values?: object;
  /** JSON schema of the values. */
  readonly schema?: object;
}

/** The chart as an archive, as `helm package` makes it. */
export async function packChart({ name, version, templates, values = {}, schema }: Chart): Promise<Buffer> {
  const files: Record<string, string> = {
    // JSON is YAML.
    'Chart.yaml': JSON.stringify({ apiVersion: 'v2', name, version }),
    'values.yaml': JSON.stringify(values),
    ...(schema === undefined ? {} : { 'values.schema.json': JSON.stringify(schema) }),
  };
  for (const [file, text] of Object.entries(templates)) files[`templates/${file}`] = text;
  const archive = pack();
  for (const [path, text] of Object.entries(files)) archive.entry({ name: `${name}/${path}` }, text);
  archive.finalize();
  return gzipSync(await buffer(archive));
}

/** A repository's `index.yaml` for charts that are beside it under the names `<name>-<version>.tgz`. */
export function chartIndex(charts: readonly Chart[]): string {
  const entries = charts.map(({ name, version }) => [
    name,
    [{ apiVersion: 'v2', name, version, urls: [`${name}-${version}.tgz`] }],
  ]);
  return JSON.stringify({ apiVersion: 'v1', entries: Object.fromEntries(entries) });
}
