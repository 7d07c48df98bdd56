import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';

/**
 * Frees what JavaScript no longer refers to, now. Native tensors do not press V8's heap, so after a burst of short-lived
 * objects it would keep their memory for as long as the process only computes. Tens of milliseconds.
 */
export function collectGarbage(): void {
  setFlagsFromString('--expose-gc');
  (runInNewContext('gc') as () => void)();
}
