/** Small Markdown pieces for the live details in the Temporal UI. Everything inserted is escaped. */

const BAR_WIDTH = 24;
/** The Temporal UI draws tables without borders or padding. */
const APART = '\u2003';

/** Makes text inert inside a Markdown paragraph or table cell: one line, no markup, no HTML. No entities: the UI shows them as they are. */
export function escapeText(text: string): string {
  return text
    .replace(/\s+/g, ' ')
    .trim()
    .replace(/[\\`*_{}[\]()#+!|~<>&]/g, '\\$&');
}

/** Inline code; backticks cannot end it early. */
export function code(text: string): string {
  return `\`${text.replace(/[`\r\n]/g, ' ').replace(/\|/g, '¦')}\``;
}

/** e.g. `` `██████░░░░░░` 50 % `` for 0.5. */
export function progressBar(share: number): string {
  const bounded = Math.min(1, Math.max(0, Number.isFinite(share) ? share : 0));
  const filled = Math.round(bounded * BAR_WIDTH);
  return `\`${'█'.repeat(filled)}${'░'.repeat(BAR_WIDTH - filled)}\` ${Math.floor(bounded * 100)} %`;
}

export function table(header: readonly string[], rows: readonly (readonly string[])[]): string {
  const line = (cells: readonly string[], apart = ''): string => `| ${cells.join(`${apart} | `)} |`;
  return [line(header, APART), line(header.map(() => '---')), ...rows.map((cells) => line(cells, APART))].join('\n');
}

/** Whole numbers as they are, others with four significant digits. */
export function formatNumber(value: number): string {
  if (!Number.isFinite(value)) return '–';
  return Number.isInteger(value) ? String(value) : String(Number(value.toPrecision(4)));
}

/** A fenced block to copy. */
export function block(language: 'sql' | 'sh', lines: readonly string[]): string {
  return [`\`\`\`${language}`, ...lines, '```'].join('\n');
}

/** A literal for a statement that a person copies: quotes doubled, line breaks and backticks out of the fence's way. */
export function sqlLiteral(text: string): string {
  return `'${text.replace(/'/g, "''").replace(/[`\r\n]/g, ' ')}'`;
}
