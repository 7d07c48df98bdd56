import type { SetupEvent } from '../setup/progress.ts';

/** What happens to the servers, for a person to read; downloads on the way are set-up events. */
export interface StackEvent {
  component: 'postgres' | 'temporal' | 'stack';
  state: 'starting' | 'waiting' | 'ready' | 'reused' | 'external' | 'restarting' | 'moved' | 'stopping' | 'stopped';
  message: string;
}

export type OnStackEvent = (event: StackEvent | SetupEvent) => void;

export function isSetupEvent(event: StackEvent | SetupEvent): event is SetupEvent {
  return 'part' in event;
}
