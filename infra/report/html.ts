/** HTML in which text cannot become markup: whatever is put into a template is escaped, unless a template made it. */

export class Html {
  readonly text: string;

  constructor(text: string) {
    this.text = text;
  }
}

export type Fragment = Html | string | number | null | undefined | false | readonly Fragment[];

/** `` markup`<p>${text}</p>` ``; missing values and `false` are nothing. */
export function markup(parts: TemplateStringsArray, ...values: readonly Fragment[]): Html {
  return new Html(parts.reduce((text, part, index) => text + render(values[index - 1]) + part));
}

export function render(value: Fragment): string {
  if (value === null || value === undefined || value === false) return '';
  if (value instanceof Html) return value.text;
  if (typeof value === 'string') return escape(value);
  if (typeof value === 'number') return String(value);
  return value.map(render).join('');
}

const ESCAPES: Readonly<Record<string, string>> = {
  '&': '&amp;',
  '<': '&lt;',
  '>': '&gt;',
  '"': '&quot;',
  "'": '&#39;',
};

function escape(text: string): string {
  return showControls(text).replaceAll(/[&<>"']/g, (mark) => ESCAPES[mark]!);
}

/**
 * Characters that would change how the text around them is shown (controls, directions, invisible ones, halves of a surrogate pair),
 * by their code point: `⟨U+202E⟩`. The page's script does the same (`page/text.js`).
 */
export function showControls(text: string): string {
  return text.toWellFormed().replaceAll(
    // eslint-disable-next-line no-control-regex
    /[\u0000-\u0008\u000b\u000c\u000e-\u001f\u007f-\u009f\u061c\u200b-\u200f\u2028-\u202e\u2060-\u2069\ufeff]/g,
    (mark) => `⟨U+${mark.charCodeAt(0).toString(16).toUpperCase().padStart(4, '0')}⟩`,
  );
}
