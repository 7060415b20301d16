// The video, and the three ways to play it: all, the summary only, one stretch.
import { $, clock } from './dom.js';

const CLOSE = 0.02;   // seconds: nearer to an end than a frame
const EARLY = 0.05;   // seconds: where a browser may land before the place it was sent to

export class Player {
  /** @param hooks onTime(seconds), onUnplayable(), onMode(only) */
  constructor(hooks) {
    Object.assign(this, { hooks, video: $('video'), keyshots: [], duration: 0, only: false, span: null });
    const { video } = this;
    const tick = () => { this.#tick(); if (!video.paused) requestAnimationFrame(tick); };
    video.addEventListener('play', () => { this.#label(); requestAnimationFrame(tick); });
    video.addEventListener('pause', () => this.#label());
    for (const name of ['timeupdate', 'seeking', 'seeked']) video.addEventListener(name, () => this.#tick());
    video.addEventListener('click', () => this.toggle());
    video.addEventListener('volumechange', () => {
      $('mute').setAttribute('aria-pressed', String(video.muted));
      $('mute').setAttribute('aria-label', video.muted ? 'Unmute' : 'Mute');
    });
    video.addEventListener('error', () => video.getAttribute('src') && hooks.onUnplayable());
    // Sound without pictures is what some browsers make of a codec they do not know.
    video.addEventListener('loadedmetadata', () => video.videoWidth === 0 && hooks.onUnplayable());
    $('play').onclick = () => this.toggle();
    $('previous').onclick = () => this.step(-1);
    $('next').onclick = () => this.step(1);
    $('mute').onclick = () => { video.muted = !video.muted; };
    $('full').onclick = () => this.full();
    $('whole').onclick = () => this.mode(false);
    $('only').onclick = () => this.mode(true);
  }

  load(address) {
    this.span = null;
    this.mode(false);
    this.video.src = address;
    this.#label();
    this.#tick();
  }

  unload() {
    this.video.pause();
    this.video.removeAttribute('src');
    this.video.load();
    Object.assign(this, { keyshots: [], duration: 0, span: null });
  }

  /** Show what may have changed without the video moving. */
  refresh() { this.#tick(); }

  get now() { return this.video.currentTime; }

  play() { this.video.play()?.catch(() => {}); }

  toggle() {
    if (!this.video.paused) { this.video.pause(); return; }
    this.span = null;
    if (this.only && this.#following(this.now) === null) this.video.currentTime = this.keyshots[0]?.start ?? 0;
    this.play();
  }

  /** Go there; a stretch that played is over. */
  seek(seconds) {
    this.span = null;
    this.#go(seconds);
  }

  nudge(seconds) { this.seek(this.now + seconds); }

  /** The keyshot before or after. */
  step(direction) {
    const starts = this.keyshots.map(k => k.start);
    const to = direction > 0
      ? starts.find(s => s > this.now + EARLY)
      : starts.findLast(s => s < this.now - 1);
    if (to !== undefined) this.seek(to);
  }

  playSpan(span) {
    this.mode(false);
    this.#go(span.start);
    this.span = span;
    this.play();
  }

  playSummary() {
    this.mode(true);
    this.seek(this.keyshots[0]?.start ?? 0);
    this.play();
  }

  mode(only) {
    this.only = only;
    this.span = null;
    $('only').setAttribute('aria-pressed', String(only));
    $('whole').setAttribute('aria-pressed', String(!only));
    this.hooks.onMode(only);
    this.#tick();
  }

  full() {
    if (document.fullscreenElement) document.exitFullscreen();
    else if ($('screen').requestFullscreen) $('screen').requestFullscreen().catch(() => {});
    else this.video.webkitEnterFullscreen?.();
  }

  #go(seconds) {
    const end = this.duration || this.video.duration || 0;
    this.video.currentTime = Math.min(Math.max(seconds, 0), Math.max(end - 0.01, 0));
    this.#tick();
  }

  /** What a summary plays at or after an instant: where to be; null after the last keyshot. */
  #following(seconds) {
    const k = this.keyshots.find(k => seconds < k.end - CLOSE);
    return k ? Math.max(k.start, seconds) : null;
  }

  #tick() {
    const { video } = this;
    const now = video.currentTime;
    if (!video.paused && !video.seeking) {
      if (this.span && now >= this.span.end - CLOSE) { video.pause(); this.span = null; }
      else if (this.only && this.keyshots.length) {
        const next = this.#following(now);
        if (next === null) video.pause();
        else if (next - now > EARLY) video.currentTime = next;
      }
    }
    $('time').textContent = this.#reading(now);
    this.hooks.onTime(now);
  }

  #reading(now) {
    if (!this.only) return `${clock(now)} / ${clock(this.duration || this.video.duration || 0)}`;
    const played = this.keyshots.reduce((sum, k) => sum + Math.min(Math.max(now - k.start, 0), k.end - k.start), 0);
    const all = this.keyshots.reduce((sum, k) => sum + k.end - k.start, 0);
    return `${clock(played)} / ${clock(all)}`;
  }

  #label() {
    const { paused } = this.video;
    $('play').setAttribute('aria-label', paused ? 'Play' : 'Pause');
    $('play').classList.toggle('playing', !paused);
  }
}
