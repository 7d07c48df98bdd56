const BACKENDS: Readonly<Record<string, string>> = {
  'tensorflow-cuda': 'TensorFlow on an NVIDIA GPU',
  'tensorflow-cpu': 'TensorFlow on the CPU',
  wasm: 'WebAssembly',
  cpu: 'plain JavaScript',
};

/** What ran a run's arithmetic, from the description kept in its row; empty text for a shape that is not known. */
export function describeEngine(engine: unknown): string {
  if (typeof engine !== 'object' || engine === null) return '';
  const { backend, backendVersion, execution, precision } = engine as Partial<Record<string, unknown>>;
  if (typeof backend !== 'string') return '';
  const name = BACKENDS[backend] ?? backend;
  const versioned =
    typeof backendVersion === 'string' ? name.replace('TensorFlow', `TensorFlow ${backendVersion}`) : name;
  // Worth a word only where a faster way was to be had.
  const slow = backend.startsWith('tensorflow') && execution === 'eager' ? ', without traced graphs' : '';
  const rounded = precision === 'tf32' || precision === 'bfloat16' ? `, products in ${precision}` : '';
  return `${versioned}${slow}${rounded}`;
}
