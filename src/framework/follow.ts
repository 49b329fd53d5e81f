import type { Observable, Subscription } from 'rxjs';
import type { Clock } from '../core/clock.ts';
import type { Logger } from '../core/log.ts';
import type { Scope } from '../core/scope.ts';

/** After an Observable has failed it is subscribed to again this much later. */
const RESUBSCRIBE_AFTER = 5_000;

export interface FollowOptions {
  clock: Clock;
  log: Logger;
}

/**
 * Subscribes until the scope ends. A value whose handling throws is reported and does not stop those after it; an Observable that
 * errors, which long-lived ones should not, is reported and subscribed to again.
 */
export function follow<T>(
  name: string,
  values$: Observable<T>,
  handle: (value: T) => void,
  scope: Scope,
  options: FollowOptions,
): void {
  let subscription: Subscription | undefined;
  let timer: Disposable | undefined;
  const subscribe = (): void => {
    subscription = values$.subscribe({
      next: (value) => {
        try {
          handle(value);
        } catch (error) {
          options.log.error('a change could not be handled', { source: name, error });
        }
      },
      error: (error: unknown) => {
        options.log.error('a source failed', { source: name, error });
        timer = options.clock.timer(RESUBSCRIBE_AFTER, subscribe);
      },
    });
  };
  subscribe();
  scope.defer(() => {
    timer?.[Symbol.dispose]();
    subscription?.unsubscribe();
  });
}
