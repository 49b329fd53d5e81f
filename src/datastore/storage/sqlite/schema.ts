/** "k3ts": marks a file as ours (PRAGMA application_id). */
export const APPLICATION_ID = 0x6b337473;
/** PRAGMA user_version. */
export const SCHEMA_VERSION = 1;

/**
 * Narrow tables without secondary indexes: everything is found through the index in memory, so a write touches the ends of two
 * or three b-trees. Values are apart from what is read at start-up.
 *
 * change.version 0 is a deletion; change.lease is null where there is none. Ids are assigned by the store and ascend.
 */
export const SCHEMA = `
  CREATE TABLE state (
    only_row INTEGER PRIMARY KEY CHECK (only_row = 1),
    cluster_id INTEGER NOT NULL,
    member_id INTEGER NOT NULL,
    compact_revision INTEGER NOT NULL
  );
  CREATE TABLE key (id INTEGER PRIMARY KEY, name BLOB NOT NULL);
  CREATE TABLE change (
    id INTEGER PRIMARY KEY,
    revision INTEGER NOT NULL,
    key INTEGER NOT NULL,
    create_revision INTEGER NOT NULL,
    version INTEGER NOT NULL,
    lease INTEGER
  );
  CREATE TABLE value (change INTEGER PRIMARY KEY, data BLOB NOT NULL);
  CREATE TABLE lease (id INTEGER PRIMARY KEY, ttl INTEGER NOT NULL, expires_at INTEGER NOT NULL);
`;
