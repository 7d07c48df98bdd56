/**
 * Text of models, for the eye: what would change how the text around it is shown stands there by its code point.
 * The same as `showControls` in `../html.ts`.
 * @param {string} text
 */
export function showControls(text) {
  return text.toWellFormed().replaceAll(
    // eslint-disable-next-line no-control-regex
    /[\u0000-\u0008\u000b\u000c\u000e-\u001f\u007f-\u009f\u061c\u200b-\u200f\u2028-\u202e\u2060-\u2069\ufeff]/g,
    (mark) => `⟨U+${mark.charCodeAt(0).toString(16).toUpperCase().padStart(4, '0')}⟩`,
  );
}

/**
 * An element with children; strings become text, never markup.
 * @template {keyof HTMLElementTagNameMap} K
 * @param {K} name
 * @param {string} className
 * @param {...(Node | string)} children
 * @returns {HTMLElementTagNameMap[K]}
 */
export function element(name, className, ...children) {
  const made = document.createElement(name);
  if (className) made.className = className;
  made.append(...children.map((child) => (typeof child === 'string' ? showControls(child) : child)));
  return made;
}

/**
 * With the true minus sign: `−0.250`
 * @param {number} value
 */
export const signed = (value) => value.toFixed(3).replace('-', '−');

/** @param {number} value */
export const count = (value) => value.toLocaleString('en-US');
