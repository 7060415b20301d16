// What is being done with a video, in words and as steps.
import { el, plural } from './dom.js';

const STEPS = [
  ['upload', 'Send'],
  ['probe', 'Open'],
  ['frames', 'Watch'],
  ['select', 'Choose'],
  ['pictures', 'Pictures'],
];
const PLACE = { upload: 0, probe: 1, model: 1, hash: 1, frames: 2, select: 3, pictures: 4 };
const WORDS = {
  upload: 'Sending the video',
  probe: 'Opening the video',
  model: 'Loading the model',
  frames: 'Watching the video',
  select: 'Choosing what matters',
  pictures: 'Taking pictures',
  cut: 'Cutting',
};

/** One line about a status. */
export function words(status) {
  if (status.state === 'queued') {
    return status.ahead ? `Waiting behind ${plural(status.ahead, 'other')}` : 'Waiting';
  }
  if (status.state === 'uploading' && !status.progress) return 'Being sent';
  const { stage, done, total } = status.progress ?? { stage: 'probe' };
  const share = total ? `, ${Math.round((100 * done) / total)} %` : '';
  return `${WORDS[stage] ?? 'Working'}${share}`;
}

/** The present step as a bar; without a share it is only known that something happens. */
export function bar(status) {
  const { done, total } = status.progress ?? {};
  const made = el('progress', { max: 1, 'aria-label': words(status) });
  if (total) made.value = done / total;
  return made;
}

/** All steps, the present one with its bar. */
export function steps(status) {
  const now = status.state === 'queued' ? 0.5 : PLACE[status.progress?.stage] ?? (status.state === 'uploading' ? 0 : 1);
  const list = el('ol', { className: 'steps' });
  STEPS.forEach(([, label], place) => {
    const state = place < now ? 'past' : place === now ? 'now' : 'ahead';
    list.append(el('li', { className: state, 'aria-current': state === 'now' ? 'step' : null },
      el('span', { className: 'dot', 'aria-hidden': 'true' }), label));
  });
  return [list, el('p', { className: 'doing' }, words(status)), ...(status.state === 'queued' ? [] : [bar(status)])];
}
