import type { Terminal } from './terminal.ts';

/** One line that is written over; an empty one clears it. */
export function progressLine(terminal: Terminal, text: string): void {
  terminal.stream.write(`\r${text.slice(0, terminal.columns() - 1).padEnd(terminal.columns() - 1)}\r`);
}
