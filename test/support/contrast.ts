/** Texts of a page with less contrast to what is behind them than 4.5, as WCAG 2.2 reckons it. */
import type { Page } from './browser.ts';

/** As text, since it is the page that runs it. */
const FAINT_TEXTS = String.raw`(() => {
  const channels = (colour) => (colour.match(/[\d.]+/g) ?? []).map(Number);
  const luminance = (colour) => {
    const [r, g, b] = channels(colour).map((value) => {
      const c = value / 255;
      return c <= 0.04045 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4;
    });
    return 0.2126 * r + 0.7152 * g + 0.0722 * b;
  };
  const behind = (start) => {
    for (let at = start; at; at = at.parentElement) {
      const { backgroundColor } = getComputedStyle(at);
      if (channels(backgroundColor)[3] !== 0) return backgroundColor;
    }
    return 'rgb(255, 255, 255)';
  };
  return [...document.querySelectorAll('body *')].flatMap((element) => {
    const own = [...element.childNodes].some((node) => node.nodeType === 3 && node.textContent.trim());
    if (!own || element.closest('script, style, noscript, title, .on-bar, [disabled], [hidden]')) return [];
    const style = getComputedStyle(element);
    const [a, b] = [luminance(element.closest('svg') ? style.fill : style.color), luminance(behind(element))];
    const contrast = (Math.max(a, b) + 0.05) / (Math.min(a, b) + 0.05);
    return contrast < 4.5 ? [contrast.toFixed(2) + ': ' + element.textContent.slice(0, 40)] : [];
  });
})()`;

export const faintTexts = (page: Page): Promise<string[]> => page.evaluate(FAINT_TEXTS);
