import type { Builder } from './program.ts';
export function addDecoding(_builder: Builder): void {}
