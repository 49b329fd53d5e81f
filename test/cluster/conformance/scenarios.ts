import { applying } from './applying.ts';
import { customKinds } from './custom-kinds.ts';
import { deleting } from './deleting.ts';
import { listing } from './listing.ts';
import { patching } from './patching.ts';
import type { Scenario } from './scenario.ts';
import { watching } from './watching.ts';
import { writing } from './writing.ts';

/** Everything that the project counts on an API server to do. */
export const scenarios: readonly Scenario[] = [
  ...writing,
  ...deleting,
  ...patching,
  ...applying,
  ...listing,
  ...watching,
  ...customKinds,
];
