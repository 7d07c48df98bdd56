/** Apart from what reads and writes them, so that a command line knows its choices without loading it. */
export const FORMATS = ['jsonl', 'parquet', 'hf'] as const;
export const KINDS = ['dataset', 'rollouts', 'everything'] as const;
export const TAKES = ['current', 'all'] as const;

export type ExportFormat = (typeof FORMATS)[number];
