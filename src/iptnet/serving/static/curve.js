// The importance over time, drawn by hand: shots, keyshots, moments, and where we are.
import { clock, el, shape, spoken } from './dom.js';

const PLOT = 132, STRIP = 8, TOP = 6, AXIS = 26, LANE = 20;
const NICE = [1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200];

export class Curve {
  /** @param track the slider element that holds the drawing
   *  @param hooks onSeek(seconds), onMoment(index), pictureAt(seconds) -> address or null */
  constructor(track, peek, hooks) {
    Object.assign(this, { track, peek, hooks, timeline: null, keyshots: [], moments: [], fit: null, now: 0 });
    new ResizeObserver(() => this.draw()).observe(track);
    track.addEventListener('pointerdown', event => this.#grab(event));
    track.addEventListener('pointermove', event => this.#hover(event));
    track.addEventListener('pointerleave', () => this.#unhover());
    track.addEventListener('pointercancel', () => this.#unhover());
  }

  get duration() { return Math.max(this.timeline?.source.duration ?? 0, 1e-3); }

  show(timeline) {
    Object.assign(this, { timeline, keyshots: timeline.keyshots, moments: [], fit: null, now: 0 });
    this.track.setAttribute('aria-valuemax', this.duration.toFixed(1));
    this.draw();
    this.at(0);
  }

  select(keyshots) { this.keyshots = keyshots; this.draw(); }

  find(moments, fit) { Object.assign(this, { moments, fit }); this.draw(); }

  /** Move the playhead. */
  at(seconds) {
    this.now = seconds;
    if (this.head) this.head.setAttribute('transform', `translate(${this.x(seconds)})`);
    const inside = this.keyshots.some(k => k.start <= seconds && seconds < k.end);
    this.track.setAttribute('aria-valuenow', seconds.toFixed(1));
    this.track.setAttribute('aria-valuetext',
      `${spoken(seconds)} of ${spoken(this.duration)}${inside ? ', in the summary' : ''}`);
  }

  x(seconds) { return Math.min(Math.max(seconds / this.duration, 0), 1) * this.width; }

  draw() {
    if (!this.timeline) return;
    this.width = Math.max(this.track.clientWidth, 1);
    const { times, values } = this.timeline.importance;
    this.scale = [0.1, 0.25, 0.5, 1].find(h => h >= Math.min(1, Math.max(...values, 0.01)));
    const bottom = TOP + PLOT;
    const lanes = this.#lanes();
    const height = bottom + STRIP + AXIS + lanes.count * LANE;
    const clip = shape('clipPath', { id: 'inside' });
    for (const k of this.keyshots) {
      clip.append(shape('rect', { x: this.x(k.start), y: 0, width: this.#wide(k), height: bottom }));
    }
    const line = this.#path(times, values);
    const area = line && `${line}L${this.width} ${bottom}L0 ${bottom}Z`;
    const drawing = shape('svg', { viewBox: `0 0 ${this.width} ${height}`, height, 'aria-hidden': 'true' },
      shape('defs', {}, clip), ...this.#bands(bottom),
      shape('path', { class: 'area rest', d: area }), shape('path', { class: 'line rest', d: line }),
      shape('g', { 'clip-path': 'url(#inside)' },
        shape('path', { class: 'area key', d: area }), shape('path', { class: 'line key', d: line })));
    if (this.fit?.length === times.length) drawing.append(shape('path', { class: 'line fit', d: this.#path(times, this.fit, 1) }));
    for (const k of this.keyshots) {
      drawing.append(shape('rect', { class: 'keyshot', x: this.x(k.start) + 0.5, y: bottom + 3, rx: 2.5,
        width: Math.max(this.#wide(k) - 1, 1.5), height: STRIP - 3 }));
    }
    drawing.append(...this.#ticks(bottom + STRIP), ...lanes.shapes(bottom + STRIP + AXIS));
    this.seen = shape('path', { class: 'seen', d: `M0 ${TOP}V${bottom}` });
    this.head = shape('g', { class: 'head' }, shape('path', { d: `M0 ${TOP - 4}V${bottom + STRIP}` }),
      shape('circle', { r: 4.5, cy: bottom + STRIP - 2.5 }));
    drawing.append(this.seen, this.head);
    this.track.replaceChildren(drawing);
    this.at(this.now);
  }

  #wide(span) { return Math.max(this.x(span.end) - this.x(span.start), 1); }

  /** A line through the values; of several in one pixel column, the highest. */
  #path(times, values, scale = this.scale) {
    const points = [];
    for (let k = 0; k < times.length; k += 1) {
      const x = Math.round(this.x(times[k]) * 2) / 2;
      const y = TOP + (1 - Math.min(values[k] / scale, 1)) * PLOT;
      const last = points.at(-1);
      if (last && last[0] === x) last[1] = Math.min(last[1], y);
      else points.push([x, y]);
    }
    if (!points.length) return '';
    // The first and the last value hold to the edges.
    const edges = [[0, points[0][1]], ...points, [this.width, points.at(-1)[1]]];
    return edges.map(([x, y], k) => `${k ? 'L' : 'M'}${x} ${y.toFixed(1)}`).join('');
  }

  #bands(bottom) {
    return this.timeline.shots.flatMap((shot, k) => (k % 2 ? [] : [shape('rect', {
      class: 'band', x: this.x(shot.start), y: TOP, width: this.#wide(shot), height: bottom - TOP })]));
  }

  #ticks(y) {
    const room = Math.max(2, Math.floor(this.width / (this.duration >= 3600 ? 84 : 64)));
    const step = NICE.find(n => this.duration / n <= room) ?? 14400;
    const made = [];
    for (let at = 0; at <= this.duration; at += step) {
      const x = this.x(at);
      const anchor = x < 14 ? 'start' : x > this.width - 14 ? 'end' : 'middle';
      made.push(shape('text', { x, y: y + 17, 'text-anchor': anchor }, clock(at)));
    }
    return made;
  }

  /** Moments below one another where they overlap; pressed, they play. */
  #lanes() {
    const ends = [], rows = [];
    // What is hardly an answer stays in the list; but the best is always shown.
    const shown = this.moments.map((m, k) => [m, k]).filter(([m, k]) => k === 0 || (m.confidence ?? 1) >= 0.05);
    shown.forEach(([m]) => {
      let row = ends.findIndex(end => end <= m.start);
      if (row < 0) row = ends.push(0) - 1;
      ends[row] = m.end;
      rows.push(row);
    });
    const shapes = top => shown.map(([m, k], place) => {
      const [x, width] = [this.x(m.start), Math.max(this.#wide(m), 16)];
      const left = Math.min(x, this.width - width);
      return shape('g', { class: 'moment', 'data-moment': k, opacity: 0.35 + 0.65 * (m.confidence ?? 0.5) },
        shape('rect', { x: left, y: top + rows[place] * LANE, width, height: LANE - 4, rx: 4 }),
        shape('text', { x: left + Math.min(width / 2, 8), y: top + rows[place] * LANE + 12, 'text-anchor': 'middle' }, String(k + 1)));
    });
    return { count: ends.length, shapes };
  }

  #seconds(event) {
    const box = this.track.getBoundingClientRect();
    return Math.min(Math.max((event.clientX - box.left) / box.width, 0), 1) * this.duration;
  }

  #grab(event) {
    if (event.button || !this.timeline) return;
    const moment = event.target.closest?.('[data-moment]');
    if (moment) { this.hooks.onMoment(Number(moment.dataset.moment)); return; }
    this.track.setPointerCapture(event.pointerId);
    this.hooks.onSeek(this.#seconds(event));
  }

  #hover(event) {
    if (!this.timeline) return;
    const at = this.#seconds(event);
    if (this.track.hasPointerCapture(event.pointerId)) this.hooks.onSeek(at);
    const x = this.x(at);
    this.seen?.setAttribute('transform', `translate(${x})`);
    this.seen?.classList.add('on');
    const [picture, time] = this.peek.children;
    const address = this.hooks.pictureAt(at);
    picture.hidden = !address;
    if (address && picture.getAttribute('src') !== address) picture.src = address;
    time.textContent = clock(at, this.duration < 120 ? 1 : 0);
    this.peek.hidden = false;
    const half = this.peek.offsetWidth / 2;
    this.peek.style.left = `${Math.min(Math.max(x, half), this.width - half)}px`;
  }

  #unhover() {
    this.peek.hidden = true;
    this.seen?.classList.remove('on');
  }
}

/** The keyshots as rows, for those who cannot see the curve. */
export function tabulate(table, keyshots, onSeek) {
  const head = el('tr', {}, ...['Keyshot', 'Starts', 'Ends', 'Lasts', 'Score'].map(t => el('th', { scope: 'col' }, t)));
  const rows = keyshots.map((k, n) => el('tr', {},
    el('th', { scope: 'row' }, el('button', { type: 'button', className: 'link', onclick: () => onSeek(k.start) }, `${n + 1}`)),
    ...[clock(k.start, 2), clock(k.end, 2), `${(k.end - k.start).toFixed(2)} s`, k.score.toFixed(2)].map(t => el('td', {}, t))));
  table.replaceChildren(el('thead', {}, head), el('tbody', {}, ...rows));
}
