/** A watched run goes on: what is new takes the place of what was, and whoever reads keeps place, filters and what is open. */
import { refreshReader } from './reader.js';

const ASK_EVERY_MS = 2000;

export function startWatch() {
  const status = document.getElementById('watch');
  let version = document.documentElement.dataset['version'] ?? '';
  const ask = async () => {
    try {
      const answer = await fetch('version', { cache: 'no-store' });
      if (!answer.ok) throw new Error(String(answer.status));
      const newest = await answer.text();
      if (newest !== version) version = await refresh();
      status?.replaceChildren('live');
      status?.classList.remove('lost');
    } catch {
      status?.replaceChildren('not connected: what is shown may be old');
      status?.classList.add('lost');
    }
    setTimeout(() => void ask(), ASK_EVERY_MS);
  };
  setTimeout(() => void ask(), ASK_EVERY_MS);
}

async function refresh() {
  const answer = await fetch('./', { cache: 'no-store' });
  if (!answer.ok) throw new Error(String(answer.status));
  const next = new DOMParser().parseFromString(await answer.text(), 'text/html');
  const place = readingPlace();
  for (const part of document.querySelectorAll('[data-live]')) exchange(part, next.getElementById(part.id));
  place?.();
  const data = document.getElementById('reader-data');
  const nextData = next.getElementById('reader-data');
  if (data && nextData && data.textContent !== nextData.textContent) {
    data.replaceWith(document.adoptNode(nextData));
    await refreshReader();
    place?.();
  }
  return next.documentElement.dataset['version'] ?? '';
}

/**
 * @param {Element} part
 * @param {Element | null} next
 */
function exchange(part, next) {
  if (!next) return;
  const open = new Set([...part.querySelectorAll('details[open]')].map(({ id }) => id));
  for (const details of part.querySelectorAll('details[open]')) details.removeAttribute('open');
  const isSame = part.outerHTML === next.outerHTML;
  const stays = isSame ? part : document.adoptNode(next);
  for (const details of stays.querySelectorAll('details')) if (open.has(details.id)) details.open = true;
  if (isSame) return;
  const focused = part.contains(document.activeElement) ? document.activeElement?.closest('[id]')?.id : undefined;
  part.replaceWith(stays);
  if (focused) document.getElementById(focused)?.focus({ preventScroll: true });
}

/** How to get back to what is at the top of the window now; undefined at the top of the page. */
function readingPlace() {
  if (scrollY < 1) return undefined;
  const parts = [...document.querySelectorAll('main section[id], details[id], figure')];
  const top = parts.filter((part) => part.id !== '').findLast((part) => part.getBoundingClientRect().top <= 1);
  if (!top) return undefined;
  const { id } = top;
  const offset = top.getBoundingClientRect().top;
  return () => {
    const now = document.getElementById(id)?.getBoundingClientRect().top;
    if (now !== undefined) scrollBy(0, now - offset);
  };
}
