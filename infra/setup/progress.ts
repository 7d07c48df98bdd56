/** What set-up tells while it works. Messages are whole sentences for someone who meets the project for the first time. */
export interface SetupEvent {
  part: 'dependencies' | 'tensorflow' | 'temporal' | 'postgres' | 'model';
  kind: 'info' | 'progress' | 'done' | 'warning';
  message: string;
  /** Bytes so far and in all; with `kind: 'progress'` only. */
  doneBytes?: number;
  totalBytes?: number;
}

export type ReportSetup = (event: SetupEvent) => void;

export const silent: ReportSetup = () => undefined;

export function formatBytes(bytes: number): string {
  if (bytes < 1e6) return `${Math.max(1, Math.round(bytes / 1e3))} kB`;
  return bytes < 1e9 ? `${Math.round(bytes / 1e6)} MB` : `${(bytes / 1e9).toFixed(1)} GB`;
}

/** A bar that is redrawn in place on a terminal; elsewhere (a log, CI) only the messages, one a line. */
export function terminalReporter(stream: NodeJS.WriteStream = process.stderr): ReportSetup {
  let openBar = false;
  const clearBar = () => {
    if (openBar) stream.write('\r\u001b[K');
    openBar = false;
  };
  return (event) => {
    if (event.kind === 'progress') {
      if (!stream.isTTY) return;
      stream.write(`\r\u001b[K${drawBar(event, stream.columns || 80)}`);
      openBar = true;
      return;
    }
    clearBar();
    stream.write(`${event.kind === 'warning' ? '! ' : event.kind === 'done' ? '✓ ' : '  '}${event.message}\n`);
  };
}

function drawBar(event: SetupEvent, columns: number): string {
  const { doneBytes = 0, totalBytes = 0 } = event;
  const share = totalBytes > 0 ? Math.min(1, doneBytes / totalBytes) : 0;
  const numbers = ` ${String(Math.floor(share * 100)).padStart(3)} %  ${formatBytes(doneBytes)} of ${formatBytes(totalBytes)}`;
  const label = `  ${event.message} `.slice(0, Math.max(0, columns - numbers.length - 12));
  const width = Math.max(5, Math.min(30, columns - label.length - numbers.length - 4));
  const filled = Math.round(width * share);
  return `${label}[${'█'.repeat(filled)}${'░'.repeat(width - filled)}]${numbers}`;
}
