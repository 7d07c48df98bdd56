/** Loaded by Temporal under this name, in workers, clients and the workflow sandbox: failures' texts become payloads. */
import { DefaultFailureConverter } from '@temporalio/common';

export const failureConverter = new DefaultFailureConverter({ encodeCommonAttributes: true });
