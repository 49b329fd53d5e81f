import { openDatastore } from '../../../src/datastore/open.ts';
import { silentLogger } from '../../../src/core/log.ts';

/** A datastore to be killed: `node server.ts <database> <socket>`. Says on standard output when it serves. */
const [file = '', socket = ''] = process.argv.slice(2);
await openDatastore({ file, socket, log: silentLogger });
process.stdout.write('serving\n');
