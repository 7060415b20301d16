// The first page: where videos are dropped, and those that were.
import * as api from './api.js';
import { $, clock, el, size, twice } from './dom.js';
import { bar, words } from './stages.js';

export class Home {
  constructor() {
    this.rows = new Map();
  }

  /** All that is known of videos: those being sent from here first, then by age. */
  draw(videos, uploads) {
    const shown = [...uploads.values(), ...videos.values()]
      .filter(v => v.local || v.state !== 'uploading' || !uploads.size)
      .sort((a, b) => b.created - a.created);
    $('earlier').hidden = !shown.length;
    $('home').classList.toggle('full', shown.length > 0);
    const keep = new Set();
    shown.forEach((video, place) => {
      keep.add(video.id);
      const text = JSON.stringify([video, place]);
      let row = this.rows.get(video.id);
      if (!row) this.rows.set(video.id, row = { item: el('li'), text: '' });
      // Redrawing would take the focus from a button that is about to be pressed.
      if (row.text !== text && !(row.still === this.#still(video) && row.item.contains(document.activeElement))) {
        row.item.replaceChildren(...this.#row(video));
        row.text = text;
      }
      row.still = this.#still(video);
      if ($('videos').children[place] !== row.item) $('videos').insertBefore(row.item, $('videos').children[place] ?? null);
    });
    for (const [id, row] of this.rows) {
      if (!keep.has(id)) { row.item.remove(); this.rows.delete(id); }
    }
  }

  #still(video) { return `${video.state} ${video.ready} ${video.pictures}`; }

  #row(video) {
    const picture = video.pictures
      ? el('img', { src: api.coverOf(video.id), alt: '', loading: 'lazy' })
      : el('span', { className: 'none', 'aria-hidden': 'true' });
    const name = el('a', { className: 'name', href: video.local ? '#sending' : `#${video.id}` }, video.name);
    const facts = [];
    if (video.facts) facts.push(clock(video.facts.duration));
    facts.push(size(video.bytes), new Date(video.created * 1000).toLocaleDateString(undefined, { day: 'numeric', month: 'short' }));
    const lines = [name, el('p', { className: 'soft small' }, facts.join(' · '))];
    const actions = [];
    if (['uploading', 'queued', 'running'].includes(video.state)) {
      lines.push(el('p', { className: 'small' }, words(video)));
      if (video.state !== 'queued') lines.push(bar(video));
    }
    if (video.state === 'failed') lines.push(el('p', { className: 'small bad' }, `${video.error.cause}; ${video.error.remedy}`));
    if (video.state === 'cancelled') lines.push(el('p', { className: 'small soft' }, 'Cancelled'));
    const label = video.name;
    if (video.local) actions.push(el('button', { type: 'button', className: 'quiet', onclick: () => video.abort(), 'aria-label': `Cancel ${label}` }, 'Cancel'));
    else actions.push(twice('Delete', 'Delete for good?', () => api.remove(video.id).catch(() => {}), { 'aria-label': `Delete ${label}` }));
    return [picture, el('div', { className: 'what' }, ...lines), el('div', { className: 'actions' }, ...actions)];
  }
}
