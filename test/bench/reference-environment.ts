import { fileURLToPath } from 'node:url';
import { pythonEnvironment } from './python-environment.ts';

const fileOf = (name: string): string => fileURLToPath(new URL(name, import.meta.url));

/** A Python with the public code's own libraries; a minute on first use. */
export function referencePython(report: (line: string) => void): Promise<string> {
  return pythonEnvironment(
    {
      name: 'bench-python',
      contents: 'the libraries of the public code',
      purpose: 'run the reference of this benchmark',
      // Of numpy 2.2 and scikit-learn 1.7.
      oldestMinor: 10,
      requirements: fileOf('method-requirements.txt'),
    },
    report,
  );
}

/**
 * A Python with PyTorch and `transformers`. The package index has PyTorch for Linux with CUDA only: half a gigabyte, and
 * four times that of NVIDIA's libraries, which a processor never calls. They are left out, and empty ones stand in.
 */
export function torchPython(report: (line: string) => void): Promise<string> {
  return pythonEnvironment(
    {
      name: 'bench-torch',
      contents: 'PyTorch and transformers (0.6 GB to fetch)',
      purpose: 'run PyTorch beside the engine',
      // Of PyTorch 2.15 and numpy 2.4.
      oldestMinor: 11,
      requirements: fileOf('engine-requirements.txt'),
      complete: true,
      finish: fileOf('torch-without-cuda.py'),
    },
    report,
  );
}

/** A Python with llama.cpp, built: 34 MB. */
export function llamaPython(report: (line: string) => void): Promise<string> {
  return pythonEnvironment(
    {
      name: 'bench-llama',
      contents: 'llama.cpp',
      purpose: 'run llama.cpp beside the engine',
      // Of numpy 2.4.
      oldestMinor: 11,
      requirements: fileOf('llama-requirements.txt'),
      complete: true,
    },
    report,
  );
}
