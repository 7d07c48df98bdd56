/** What to type in a shell about a run, as it stands; copied from the live details. Run ids need no quotes there. */
import type { RunStatusView } from './messages.ts';

export function steeringCommands({ runId, status, iterations = 0 }: RunStatusView): string[] {
  const order = (words: string) => `npx r-zero run ${words}`;
  switch (status) {
    case 'running':
      return [
        order(`pause ${runId}`),
        order(`extend ${runId} --iterations ${iterations + 1}`),
        order(`status ${runId}`),
      ];
    case 'paused':
    case 'parked':
      return [order(`resume ${runId}`), order(`cancel ${runId} --after-phase`), order(`status ${runId}`)];
    case 'waiting':
      return [order(`start --run-id ${runId}`), order(`status ${runId}`)];
    default:
      return [order(`start --run-id ${runId} --iterations ${iterations + 1}`), order(`status ${runId}`)];
  }
}
