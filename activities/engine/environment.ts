/**
 * Environment of a process that runs models; it must be there when the process starts. Memory that TensorFlow frees is
 * then given back and used again by all threads, large tensors at once: the pools of the libraries keep about a quarter
 * more of it, for some per cent of the time of a step. What the user has set wins.
 */
export const ENGINE_ENVIRONMENT: Readonly<Record<string, string>> = {
  TF_ONEDNN_USE_SYSTEM_ALLOCATOR: '1',
  MALLOC_ARENA_MAX: '1',
  MALLOC_MMAP_THRESHOLD_: String(2 ** 21),
};

/**
 * With one thread, which is for small models, time is what counts: the pools stay, and a negative number lets a graph run in
 * the thread that calls it (direct_session.cc) instead of being handed to another and waited for. TensorFlow's own kernels
 * take a product of many small matrices, as attention is, in half the time of oneDNN's.
 */
const ONE_THREAD: Readonly<Record<string, string>> = { TF_NUM_INTEROP_THREADS: '-1', TF_ENABLE_ONEDNN_OPTS: '0' };

/** @param threads inside one operation; all there are when omitted */
export function engineEnvironment(threads: number | undefined): Readonly<Record<string, string>> {
  return threads === 1 ? ONE_THREAD : ENGINE_ENVIRONMENT;
}
