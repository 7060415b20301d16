// A sentence, and where in the video it happens, with how sure that is.
import { moments } from './api.js';
import { $, clock, el, plural, spoken } from './dom.js';

export class Find {
  /** @param hooks onFound(moments, fit), onPlay(moment) */
  constructor(hooks) {
    Object.assign(this, { hooks, id: null, asked: '', moments: [], flight: null });
    $('ask').addEventListener('submit', event => { event.preventDefault(); this.ask(); });
    // The cross of a search field empties it without submitting.
    $('query').addEventListener('search', () => $('query').value || this.clear());
  }

  open(id) {
    this.id = id;
    $('query').value = '';
    this.clear();
  }

  clear() {
    this.flight?.abort();
    Object.assign(this, { asked: '', moments: [] });
    $('answer').replaceChildren();
    this.hooks.onFound([], null);
  }

  async ask() {
    const query = $('query').value.trim();
    if (!query) { $('query').focus(); return; }
    this.flight?.abort();
    const flight = this.flight = new AbortController();
    const slow = setTimeout(() => $('answer').replaceChildren(el('p', { className: 'soft' }, 'Looking …')), 250);
    try {
      const found = await moments(this.id, query, flight.signal);
      Object.assign(this, { asked: query, moments: found.moments });
      this.#show(found);
      this.hooks.onFound(found.moments, found.fit);
    } catch (error) {
      if (error.name === 'AbortError') return;
      this.clear();
      $('answer').replaceChildren(el('p', { className: 'notice error' }, `${error.cause}; ${error.remedy}`));
    } finally {
      clearTimeout(slow);
    }
  }

  #show(found) {
    const sure = found.moments.filter(m => (m.confidence ?? 0) >= 0.05).length;
    const heading = found.doubtful
      ? 'Probably not in this video. The nearest:'
      : `${plural(sure, 'moment')}, the likeliest first`;
    const list = el('ol', { className: 'moments' });
    found.moments.forEach((m, k) => {
      const percent = m.confidence === null ? null : Math.round(100 * m.confidence);
      list.append(el('li', { className: (m.confidence ?? 1) < 0.05 ? 'unlikely' : '' }, el('button', {
        type: 'button', className: 'moment', onclick: () => this.play(k),
        'aria-label': `Play moment ${k + 1}, from ${spoken(m.start)} to ${spoken(m.end)}`
          + (percent === null ? '' : `, confidence ${percent} percent`),
      },
      el('span', { className: 'rank' }, `${k + 1}`),
      el('span', { className: 'times' }, `${clock(m.start, 1)} – ${clock(m.end, 1)}`),
      percent === null ? null : el('meter', { min: 0, max: 1, value: m.confidence }),
      percent === null ? null : el('span', { className: 'percent', title: 'confidence: how often such an answer is right' }, `${percent} %`))));
    });
    $('answer').replaceChildren(
      ...found.warnings.map(text => el('p', { className: 'notice' }, text)),
      el('p', { className: found.doubtful ? 'doubt' : 'soft small' }, heading), list);
  }

  play(number) {
    const moment = this.moments[number];
    if (moment) this.hooks.onPlay(moment);
  }
}
