// The storyboard: a picture for each keyshot; and the pictures along the whole video.
import { pictureOf, pictures } from './api.js';
import { $, clock, el, spoken } from './dom.js';

export class Board {
  /** @param hooks onSeek(seconds) */
  constructor(hooks) {
    Object.assign(this, { hooks, id: null, times: [], timeline: null, keyshots: [] });
  }

  open(id, timeline) {
    Object.assign(this, { id, timeline, times: [], keyshots: timeline.keyshots });
    const { width, height } = timeline.source;
    $('board').style.setProperty('--aspect', `${width || 16} / ${height || 9}`);
    $('board').classList.toggle('portrait', height > width);
    this.draw();
  }

  async load() {
    const id = this.id;
    const { times } = await pictures(id);
    if (id !== this.id) return;
    this.times = times;
    this.draw();
  }

  select(keyshots) { this.keyshots = keyshots; this.draw(); }

  /** Address of the picture nearest to an instant, if there are any yet. */
  pictureAt(seconds) {
    const number = this.#nearest(seconds);
    return number < 0 ? null : pictureOf(this.id, number);
  }

  #nearest(seconds) {
    let best = -1;
    this.times.forEach((t, k) => {
      if (best < 0 || Math.abs(t - seconds) < Math.abs(this.times[best] - seconds)) best = k;
    });
    return best;
  }

  /** The picture that tells a keyshot best, if it was taken; else the most important pictured
   *  instant of it; else the picture next to its middle. */
  #pictureOf(keyshot) {
    const own = keyshot.picture == null ? -1 : this.times.findIndex(t => Math.abs(t - keyshot.picture) < 0.01);
    if (own >= 0) return own;
    const { times, values } = this.timeline.importance;
    const worth = at => values[Math.min(times.findIndex(t => t >= at - 1e-6) + 1 || times.length, times.length) - 1] ?? 0;
    const inside = this.times.map((t, k) => [t, k]).filter(([t]) => t >= keyshot.start && t < keyshot.end);
    if (!inside.length) return this.#nearest((keyshot.start + keyshot.end) / 2);
    return inside.reduce((best, one) => (worth(one[0]) > worth(best[0]) ? one : best))[1];
  }

  draw() {
    $('board').replaceChildren(...this.keyshots.map((k, n) => {
      const number = this.#pictureOf(k);
      const picture = number < 0
        ? el('span', { className: 'none', 'aria-hidden': 'true' })
        : el('img', { src: pictureOf(this.id, number), alt: '', loading: 'lazy', decoding: 'async' });
      return el('li', {}, el('button', {
        type: 'button', 'data-start': k.start, onclick: () => this.hooks.onSeek(k.start),
        'aria-label': `Keyshot ${n + 1}, at ${spoken(k.start)}, lasts ${(k.end - k.start).toFixed(1)} seconds`,
      }, picture, el('span', { className: 'times' }, clock(k.start)), el('span', { className: 'soft' }, `${(k.end - k.start).toFixed(1)} s`)));
    }));
    this.at(this.now ?? 0);
  }

  /** Mark the keyshot that shows now. */
  at(seconds) {
    this.now = seconds;
    for (const button of $('board').querySelectorAll('button')) {
      const k = this.keyshots.find(k => k.start === Number(button.dataset.start));
      const here = k && k.start <= seconds && seconds < k.end;
      if (here) button.setAttribute('aria-current', 'true');
      else button.removeAttribute('aria-current');
    }
  }
}
