// One video: its player, its curve, and everything that follows from them.
import * as api from './api.js';
import { Board } from './board.js';
import { Curve, tabulate } from './curve.js';
import { $, announce, clock, el, plural, size, twice } from './dom.js';
import { Find } from './find.js';
import { Length } from './length.js';
import { Player } from './player.js';
import { bar, steps, words } from './stages.js';

const BUSY = ['uploading', 'queued', 'running'];
const RATIO = 0.15;

export class View {
  constructor() {
    Object.assign(this, { id: null, status: null, timeline: null, formats: [], loading: null, playable: true, query: '' });
    this.player = new Player({
      onTime: now => this.#at(now),
      onUnplayable: () => this.#unplayable(),
      onMode: only => $('curve').classList.toggle('only', only),
    });
    const seek = seconds => this.player.seek(seconds);
    this.curve = new Curve($('track'), $('peek'), {
      onSeek: seek,
      onMoment: number => this.find.play(number),
      pictureAt: seconds => this.board.pictureAt(seconds),
    });
    this.board = new Board({ onSeek: seconds => { seek(seconds); this.#bringPlayer(); } });
    this.length = new Length({ onSelect: chosen => this.#select(chosen), onPlay: () => { this.player.playSummary(); this.#bringPlayer(); } });
    this.find = new Find({
      onFound: (moments, fit) => this.#found(moments, fit),
      onPlay: moment => { this.player.playSpan(moment); this.#bringPlayer(); },
    });
  }

  /** Show a video, or what is being sent (whose id is "sending"). */
  open(status) {
    this.close();
    this.id = status.id;
    if (!status.local) this.player.load(api.sourceOf(status.id));
    this.update(status);
  }

  close() {
    if (this.id === null) return;
    this.player.unload();
    Object.assign(this, { id: null, status: null, timeline: null, loading: null, playable: true, pictured: false });
    for (const part of ['curve', 'aside', 'below', 'busy', 'warnings', 'unplayable']) $(part).hidden = true;
    $('stage').classList.remove('alone');
    $('busy').replaceChildren();
    this.#blind(false);
    $('board-note').textContent = '';
  }

  /** Follow the work on it. */
  update(status) {
    if (status.id !== this.id) return;
    this.status = status;
    $('title').textContent = status.name;
    document.title = `${status.name} · iptnet`;
    const f = status.facts;
    $('facts').textContent = f
      ? [clock(f.duration), `${f.width} × ${f.height}`, `${Number(f.fps.toFixed(2))} pictures a second`, f.codec, size(status.bytes)].join(' · ')
      : size(status.bytes);
    $('screen').hidden = $('controls').hidden = Boolean(status.local) || (status.state === 'failed' && !status.ready);
    if (status.ready) { this.#ready(); return; }
    this.#busy(status);
  }

  #busy(status) {
    $('busy').hidden = false;
    const parts = [];
    const failed = status.state === 'failed';
    $('stage').classList.toggle('alone', failed);
    if (BUSY.includes(status.state)) {
      announce(words(status).replace(/, \d+ %$/, ''));
      const bars = $('busy').querySelector('progress'), made = steps(status);
      if (bars && made.length === 3) {
        // Only the numbers move: rebuilding would restart what is animated, and lose the focus.
        const [list, doing, next] = made;
        $('busy').querySelector('.steps').replaceWith(list);
        $('busy').querySelector('.doing').textContent = doing.textContent;
        if (next.position >= 0) bars.value = next.value; else bars.removeAttribute('value');
        bars.setAttribute('aria-label', next.getAttribute('aria-label'));
        return;
      }
      parts.push(el('h2', {}, 'Working on it'), ...made, el('button', {
        type: 'button', className: 'link',
        onclick: () => { const now = this.status; if (now.local) now.abort(); else api.cancel(now.id).catch(() => {}); },
      }, 'Cancel'));
    } else {
      const error = status.error ?? { cause: 'cancelled', remedy: '' };
      parts.push(el('div', { className: failed ? 'notice error' : 'notice', role: 'alert' },
        el('strong', {}, failed ? 'This did not work.' : 'Cancelled.'),
        failed ? ` ${error.cause}` : '', failed && error.remedy ? el('span', { className: 'remedy' }, `What helps: ${error.remedy}.`) : null),
      el('p', { className: 'row' },
        status.local ? null : el('button', { type: 'button', className: 'main', onclick: () => api.restart(status.id).catch(error => announce(error.cause)) }, 'Try again'),
        status.local ? null : twice('Delete', 'Delete for good?', () => api.remove(status.id).catch(error => announce(error.cause)))));
    }
    $('busy').replaceChildren(...parts);
  }

  async #ready() {
    if (!this.timeline && !this.loading) {
      const id = this.id;
      this.loading = api.timeline(id, RATIO);
      try {
        const timeline = await this.loading;
        if (id !== this.id) return;
        this.#show(timeline);
      } catch (error) {
        if (id !== this.id) return;
        this.loading = null;
        $('busy').hidden = false;
        $('busy').replaceChildren(el('div', { className: 'notice error', role: 'alert' },
          el('strong', {}, 'The result cannot be shown.'), ` ${error.cause}; ${error.remedy}`),
        el('button', { type: 'button', className: 'main', onclick: () => this.#ready() }, 'Try again'));
        return;
      }
    }
    if (!this.timeline) return;
    this.length.update(this.status);
    if (!this.playable) this.#unplayable();
    const { state, pictures, progress } = this.status;
    $('board-note').textContent = pictures ? '' : state === 'running' && progress ? `${words(this.status)}` : '';
    if (pictures && !this.pictured) {
      this.pictured = true;
      this.board.load().catch(() => { this.pictured = false; });
    }
  }

  #show(timeline) {
    this.timeline = timeline;
    Object.assign(this.player, { keyshots: timeline.keyshots, duration: timeline.source.duration });
    for (const part of ['curve', 'aside', 'below']) $(part).hidden = false;
    $('busy').hidden = true;
    $('busy').replaceChildren();
    this.find.open(this.id);
    this.curve.show(timeline);
    this.board.open(this.id, timeline);
    this.length.open(this.id, timeline, RATIO);
    tabulate($('table'), timeline.keyshots, seconds => this.player.seek(seconds));
    $('warnings').hidden = !timeline.warnings.length;
    $('warnings').replaceChildren(...timeline.warnings.map(text => el('p', { className: 'notice' }, text)));
    this.#files();
    this.player.refresh();
    announce(`${timeline.source.name} is ready: ${plural(timeline.keyshots.length, 'keyshot')}`);
  }

  #select(chosen) {
    this.player.keyshots = chosen.keyshots;
    this.curve.select(chosen.keyshots);
    this.board.select(chosen.keyshots);
    tabulate($('table'), chosen.keyshots, seconds => this.player.seek(seconds));
    this.#files();
  }

  #found(moments, fit) {
    $('legend-fit').hidden = !fit;
    $('legend-moment').hidden = !moments.length;
    this.query = moments.length ? this.find.asked : '';
    if (!this.timeline) return;
    this.curve.find(moments, fit);
    this.#files();
  }

  /** Learn what can be downloaded. */
  offer(formats) {
    this.formats = formats;
    if (this.timeline) this.#files();
  }

  #files() {
    const { ratio } = this.length;
    const address = name => api.exportOf(this.id, name, ratio, this.query);
    const links = [...$('files').querySelectorAll('a')];
    if (links.length && links.length === this.formats.length) {
      // In place: a link that is replaced while it is pressed does nothing.
      for (const link of links) link.href = address(link.dataset.format);
      return;
    }
    $('files').replaceChildren(...this.formats.map(format => el('li', {}, el('a', {
      href: address(format.name), download: '', 'data-format': format.name,
    }, el('strong', {}, format.suffix.replace(/^\./, '')), el('span', { className: 'soft small' }, format.description)))));
  }

  #at(now) {
    if (!this.timeline) return;
    this.curve.at(now);
    this.board.at(now);
  }

  /** The browser knows no such codec: say so, and offer a copy that it plays. */
  #unplayable() {
    if (!this.status || this.status.local || this.status.state === 'uploading') return;
    this.playable = false;
    const note = $('unplayable');
    const preview = this.status.renders.preview;
    const codec = this.status.facts?.codec;
    note.hidden = false;
    this.#blind(true);
    if (preview?.state === 'done') {
      if (this.player.video.getAttribute('src') !== api.renderOf(this.id, 'preview')) {
        note.hidden = true;
        this.#blind(false);
        this.playable = true;
        this.player.load(api.renderOf(this.id, 'preview'));
      } else note.replaceChildren(el('p', {}, 'Not even the preview plays in this browser.'));
    } else if (preview && BUSY.includes(preview.state)) {
      note.replaceChildren(el('p', {}, `Preview: ${words(preview).toLowerCase()}`), bar(preview));
    } else {
      const why = `This browser cannot play ${codec ? `${codec} in this file` : 'this file'}.`;
      const failed = preview?.state === 'failed' ? ` ${preview.error.cause}; ${preview.error.remedy}` : '';
      note.replaceChildren(el('p', {}, el('strong', {}, why), failed || (this.status.ready ? ' Everything else works.' : '')),
        this.status.ready ? el('button', { type: 'button', className: 'main', onclick: () => this.#preview() }, 'Make a preview that plays here') : '');
    }
  }

  #blind(blind) {
    $('screen').classList.toggle('blind', blind);
    $('controls').inert = $('play-summary').disabled = blind;
  }

  async #preview() {
    try {
      await api.render(this.id, 'preview', 1);
    } catch (error) {
      $('unplayable').append(el('p', {}, `${error.cause}; ${error.remedy}`));
    }
  }

  #bringPlayer() {
    const box = $('screen').getBoundingClientRect();
    if (box.bottom < 120 || box.top > innerHeight - 120) $('screen').scrollIntoView({ block: 'nearest' });
  }
}
