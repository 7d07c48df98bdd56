import { readTensorFlowSetup } from '../../../infra/setup/tensorflow.ts';

/** Whether models run on an NVIDIA GPU here. */
export const onGpu = readTensorFlowSetup()?.backend === 'cuda';
