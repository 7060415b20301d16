// The length of the summary: a slider whose every step is a new choice, and summary.mp4.
import { cancel, render, renderOf, selection } from './api.js';
import { $, announce, clock, el, plural, spoken } from './dom.js';
import { bar, words } from './stages.js';

export class Length {
  /** @param hooks onSelect(selection), onPlay() */
  constructor(hooks) {
    Object.assign(this, { hooks, id: null, ratio: 0.15, duration: 0, flight: null, wanted: null, status: null });
    $('length').addEventListener('input', () => this.want(Number($('length').value) / 100));
    $('play-summary').onclick = () => hooks.onPlay();
  }

  open(id, timeline, ratio) {
    Object.assign(this, { id, ratio, duration: timeline.source.duration, wanted: null });
    const duration = timeline.keyshots.reduce((sum, k) => sum + k.end - k.start, 0);
    this.#show({ ratio, duration, keyshots: timeline.keyshots });
  }

  nudge(steps) { this.want(Math.min(Math.max(Math.round(100 * this.ratio) + steps, 1), 100) / 100); }

  /** Ask for a length; while an answer is under way only the latest wish is kept. */
  async want(ratio) {
    this.ratio = ratio;
    $('length').value = Math.round(100 * ratio);
    this.#percent();
    this.wanted = ratio;
    if (this.flight) return;
    this.flight = true;
    try {
      while (this.wanted !== null) {
        const [asked, id] = [this.wanted, this.id];
        this.wanted = null;
        const chosen = await selection(id, asked);
        if (id !== this.id) break;
        this.#show(chosen);
        this.hooks.onSelect(chosen);
      }
    } catch (error) {
      announce(`${error.cause}; ${error.remedy}`);
    } finally {
      this.flight = null;
    }
  }

  #percent() {
    const percent = Math.round(100 * this.ratio);
    $('length-percent').textContent = `up to ${clock(this.ratio * this.duration)} (${percent} %)`;
    $('length').style.setProperty('--share', `${percent}%`);
  }

  #show(chosen) {
    this.ratio = chosen.ratio;
    const count = chosen.keyshots.length;
    $('length').value = Math.round(100 * chosen.ratio);
    $('length').setAttribute('aria-valuetext', `up to ${spoken(chosen.ratio * this.duration)}, ${Math.round(100 * chosen.ratio)} percent; it is ${spoken(chosen.duration)}, ${plural(count, 'keyshot')}`);
    $('length-time').textContent = clock(chosen.duration);
    $('length-of').textContent = `of ${clock(this.duration)}, ${plural(count, 'keyshot')}`;
    this.#percent();
    this.update(this.status);
  }

  /** Show what is (being) rendered. */
  update(status) {
    this.status = status;
    if (!status) return;
    const made = status.renders.summary;
    const here = made && Math.abs(made.ratio - this.ratio) < 5e-4;
    const order = label => el('button', { type: 'button', className: 'quiet wide', onclick: () => this.#make() }, label);
    const parts = [];
    if (made && here && made.state === 'done') {
      parts.push(el('a', { className: 'button wide', href: renderOf(status.id, 'summary'), download: '' }, 'Download summary.mp4'),
        ...made.warnings.map(text => el('p', { className: 'notice small' }, text)));
    } else if (made && here && ['queued', 'running'].includes(made.state)) {
      parts.push(el('p', { className: 'small soft' }, words({ ...made, state: made.state })), bar(made),
        el('button', { type: 'button', className: 'link', onclick: () => cancel(status.id, 'summary') }, 'Cancel'));
    } else {
      if (made && here && made.state === 'failed') {
        parts.push(el('p', { className: 'notice error small' }, `${made.error.cause}; ${made.error.remedy}`));
      }
      parts.push(order('Make summary.mp4'));
    }
    $('make').replaceChildren(...parts);
  }

  async #make() {
    try {
      await render(this.id, 'summary', this.ratio);
      announce('Making summary.mp4');
    } catch (error) {
      $('make').prepend(el('p', { className: 'notice error small' }, `${error.cause}; ${error.remedy}`));
    }
  }
}
