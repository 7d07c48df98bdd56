import { markup } from '../html.ts';
import type { Fragment, Html } from '../html.ts';

/** A part of the page: `live` ones are exchanged when a watched run goes on. */
export const section = (id: string, title: string, ...content: Fragment[]): Html =>
  markup` <section id="${id}" aria-labelledby="${id}-title" data-live>
    <h2 id="${id}-title">${title}</h2>
    ${content}
  </section>`;

export const note = (text: Fragment): Html => markup`<p class="note">${text}</p>`;
