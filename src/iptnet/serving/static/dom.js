// Elements and words: nothing here knows what the page is about.

export const $ = id => document.getElementById(id);

/** An element with properties, attributes (by `aria-`/`data-`/`role`) and children (text is text). */
export function el(tag, properties = {}, ...children) {
  const made = document.createElement(tag);
  for (const [name, value] of Object.entries(properties)) {
    if (value === undefined || value === null) continue;
    if (name.startsWith('on')) made.addEventListener(name.slice(2), value);
    else if (name in made && !name.includes('-')) made[name] = value;
    else made.setAttribute(name, value);
  }
  made.append(...children.filter(child => child !== null && child !== undefined));
  return made;
}

const SVG = 'http://www.w3.org/2000/svg';

/** The same in SVG: attributes only. */
export function shape(tag, attributes = {}, ...children) {
  const made = document.createElementNS(SVG, tag);
  for (const [name, value] of Object.entries(attributes)) made.setAttribute(name, value);
  made.append(...children);
  return made;
}

/** Seconds as m:ss or h:mm:ss, rounded half up in the places shown. */
export function clock(seconds, decimals = 0) {
  const unit = 10 ** decimals;
  const ticks = Math.floor(Math.max(0, seconds) * unit + 0.5 + 1e-6);
  const whole = Math.floor(ticks / unit);
  const [h, m, s] = [Math.floor(whole / 3600), Math.floor(whole / 60) % 60, whole % 60];
  const two = n => String(n).padStart(2, '0');
  const text = h ? `${h}:${two(m)}:${two(s)}` : `${m}:${two(s)}`;
  return decimals ? `${text}.${String(ticks % unit).padStart(decimals, '0')}` : text;
}

/** Seconds as words, for those who listen. */
export function spoken(seconds) {
  const whole = Math.round(seconds);
  const [h, m, s] = [Math.floor(whole / 3600), Math.floor(whole / 60) % 60, whole % 60];
  const part = (n, word) => (n ? `${n} ${word}${n === 1 ? '' : 's'}` : '');
  return [part(h, 'hour'), part(m, 'minute'), part(s, 'second')].filter(Boolean).join(' ') || 'the start';
}

export function size(bytes) {
  for (const [unit, name] of [[2 ** 30, 'GB'], [2 ** 20, 'MB'], [2 ** 10, 'kB']]) {
    if (bytes >= unit) return `${Number((bytes / unit).toFixed(bytes / unit < 10 ? 1 : 0))} ${name}`;
  }
  return `${bytes} bytes`;
}

export const plural = (n, word) => `${n} ${word}${n === 1 ? '' : 's'}`;

/** Tell a screen reader, once. */
let said = '';
export function announce(text) {
  if (text === said) return;
  said = text;
  $('live').textContent = text;
}

export const calm = () => matchMedia('(prefers-reduced-motion: reduce)').matches;

/** A button that asks once more before it does what cannot be undone. */
export function twice(label, question, act, properties = {}) {
  let armed = 0;
  const button = el('button', { type: 'button', className: 'quiet', textContent: label, ...properties });
  const name = properties['aria-label'];
  const disarm = () => {
    clearTimeout(armed);
    armed = 0;
    button.textContent = label;
    button.classList.remove('danger');
    if (name) button.setAttribute('aria-label', name);
  };
  button.addEventListener('click', event => {
    event.preventDefault();
    if (armed) { disarm(); act(); return; }
    armed = setTimeout(disarm, 4000);
    button.textContent = question;
    button.classList.add('danger');
    if (name) button.setAttribute('aria-label', question);
  });
  button.addEventListener('blur', () => armed && disarm());
  return button;
}
