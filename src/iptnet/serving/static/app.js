// The page as a whole: which part shows, what is sent, what the keyboard does.
import * as api from './api.js';
import { $, announce, size } from './dom.js';
import { Home } from './home.js';
import { View } from './view.js';

const videos = new Map();    // id -> status, as the server told it
const uploads = new Map();   // what is being sent from here
const home = new Home();
const view = new View();
let online = true;
let known = false;           // whether the server has told its videos
let limits = null;

function route() {
  const wanted = decodeURIComponent(location.hash.slice(1));
  const status = wanted === 'sending' ? [...uploads.values()][0] : videos.get(wanted);
  const showing = Boolean(status);
  if (wanted && !showing && known) {
    if (wanted !== 'sending') refuse('That video is not here (any more).');
    history.replaceState(null, '', '#');
  }
  $('view').hidden = !showing;
  $('home').hidden = showing || (Boolean(wanted) && !known);
  $('add').hidden = !showing;
  if (showing) {
    if (view.id !== status.id) { view.open(status); scrollTo(0, 0); }
  } else {
    view.close();
    document.title = 'iptnet';
  }
  home.draw(videos, uploads);
}

function refuse(text) {
  $('refused').textContent = text;
  $('refused').hidden = !text;
}

/** Why a file cannot be sent, before it is: the server would only hang up in the middle. */
function objection(file) {
  if (!limits) return '';
  if (file.size === 0) return `${file.name} is empty.`;
  if (file.size > limits.max_bytes) return `${file.name} has ${size(file.size)}; at most ${size(limits.max_bytes)} can be sent.`;
  if (file.size > limits.room) return `There is no room for ${file.name}: delete earlier videos.`;
  if (limits.turns < 1) return 'Too many videos are waiting already: try again when some are done.';
  return '';
}

async function send(files) {
  refuse('');
  const several = files.length > 1;
  for (const file of files) {
    await refresh();
    const problem = objection(file);
    if (problem) { refuse(problem); location.hash = ''; continue; }
    await sendOne(file, several);
  }
}

async function sendOne(file, several) {
  const id = `sending ${performance.now()}`;
  const status = { id, local: true, name: file.name, bytes: file.size, state: 'uploading', created: Date.now() / 1000,
    ready: false, pictures: false, facts: null, error: null, renders: {}, progress: { stage: 'upload', done: 0, total: file.size } };
  const flight = api.upload(file, (done, total) => {
    status.progress = { stage: 'upload', done, total };
    if (view.id === id) view.update(status);
    home.draw(videos, uploads);
  });
  status.abort = flight.abort;
  uploads.set(id, status);
  if (several) location.hash = ''; else if (location.hash === '#sending') route(); else location.hash = 'sending';
  route();
  try {
    const made = await flight.done;
    if (!videos.has(made.id)) videos.set(made.id, made);
    const watched = view.id === id;
    uploads.delete(id);
    if (watched) history.replaceState(null, '', `#${made.id}`);
  } catch (error) {
    uploads.delete(id);
    if (error.code !== 'cancelled') refuse(`${file.name}: ${error.cause}${error.remedy ? `; ${error.remedy}` : ''}`);
    if (view.id === id) history.replaceState(null, '', '#');
  }
  route();
}

async function refresh() {
  try {
    limits = await api.server();
  } catch {
    return;
  }
  view.offer(limits.formats);
  $('version').textContent = limits.version;
  const here = ['127.0.0.1', 'localhost', '[::1]'].includes(location.hostname);
  $('where').textContent = `Everything stays on ${here ? 'this computer' : 'the server'}. Videos that nobody opens for ${limits.keep_days} days are deleted.`;
  $('limits').textContent = `Any format, up to ${size(limits.max_bytes)}. Nothing leaves ${here ? 'this computer' : 'the server'}.`;
}

api.watch({
  onVideo: status => {
    videos.set(status.id, status);
    if (view.id === status.id) view.update(status);
    route();
  },
  onGone: id => {
    videos.delete(id);
    if (view.id === id) { history.replaceState(null, '', '#'); announce('Deleted'); }
    route();
  },
  onOnline: now => {
    if (now) resync();
    if (now !== online) announce(now ? 'The server answers again' : 'The server does not answer');
    online = now;
    $('offline').hidden = now;
  },
});

/** After a break, what was deleted meanwhile must go. */
async function resync() {
  try {
    const all = await api.videos();
    const ids = new Set(all.map(v => v.id));
    for (const id of videos.keys()) if (!ids.has(id)) videos.delete(id);
    for (const status of all) videos.set(status.id, status);
    if (videos.has(view.id)) view.update(videos.get(view.id));
  } catch { return; }
  known = true;
  route();
}

// Files: chosen, or dropped anywhere.
const choose = () => $('file').click();
$('choose').onclick = choose;
$('add').onclick = choose;
$('file').onchange = () => { send([...$('file').files]); $('file').value = ''; };
let depth = 0;
const carries = event => event.dataTransfer?.types.includes('Files');
addEventListener('dragenter', event => { if (carries(event)) { depth += 1; $('veil').hidden = false; } });
addEventListener('dragleave', event => { if (carries(event)) { depth -= 1; $('veil').hidden = depth > 0 ? false : true; } });
addEventListener('dragover', event => { if (carries(event)) event.preventDefault(); });
addEventListener('drop', event => {
  if (!carries(event)) return;
  event.preventDefault();
  depth = 0;
  $('veil').hidden = true;
  send([...event.dataTransfer.files]);
});
addEventListener('beforeunload', event => { if (uploads.size) event.preventDefault(); });

// The keyboard.
const KEYS = {
  ' ': () => view.player.toggle(),
  k: () => view.player.toggle(),
  ArrowLeft: event => view.player.nudge(event.shiftKey ? -1 : -5),
  ArrowRight: event => view.player.nudge(event.shiftKey ? 1 : 5),
  n: () => view.player.step(1),
  p: () => view.player.step(-1),
  s: () => view.player.mode(!view.player.only),
  m: () => $('mute').click(),
  f: () => view.player.full(),
  '[': () => view.length.nudge(-1),
  ']': () => view.length.nudge(1),
  '/': () => $('query').focus(),
};
addEventListener('keydown', event => {
  if (event.ctrlKey || event.metaKey || event.altKey || $('keys').open) return;
  const target = event.target;
  const typing = target.matches('input:not([type=range]), textarea, select');
  if (event.key === 'Escape' && typing) { target.blur(); return; }
  if (typing) return;
  if (event.key === '?') { event.preventDefault(); $('keys').showModal(); return; }
  // What has the focus keeps its own keys.
  if (event.key === ' ' && target.matches('button, a, summary')) return;
  if (event.key.startsWith('Arrow') && target.matches('input[type=range]')) return;
  if (target === $('track') && (event.key === 'Home' || event.key === 'End')) {
    event.preventDefault();
    view.player.seek(event.key === 'Home' ? 0 : view.player.duration);
    return;
  }
  const act = KEYS[event.key.length === 1 ? event.key.toLowerCase() : event.key];
  if (!act || !view.timeline && event.key !== ' ' || $('view').hidden) return;
  event.preventDefault();
  act(event);
});
$('help').onclick = () => $('keys').showModal();
$('keys').addEventListener('click', event => { if (event.target === $('keys')) $('keys').close(); });

addEventListener('hashchange', () => { refuse(''); route(); });
refresh().then(route);
