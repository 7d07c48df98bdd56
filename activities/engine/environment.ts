/**
 * Environment of a process that runs models; it must be there when the process starts. Memory that TensorFlow frees is
 * then given back and used again by all threads: the library's own pools keep about a quarter more of it, for a few per
 * cent of time. What the user has set wins.
 */
export const ENGINE_ENVIRONMENT: Readonly<Record<string, string>> = {
  TF_ONEDNN_USE_SYSTEM_ALLOCATOR: '1',
  MALLOC_ARENA_MAX: '1',
};
