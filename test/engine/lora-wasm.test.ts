/** The adapters once more, on WebAssembly: what runs where there is no native TensorFlow must compute the same. */
process.env['R_ZERO_TENSORFLOW'] = 'wasm';
await import('./lora.test.ts');
