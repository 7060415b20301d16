// The HTTP API, as any script would use it.

/** A refusal: what is wrong, and what to do. */
export class Refusal extends Error {
  constructor({ cause, remedy, code }, status = 0) {
    super(cause);
    Object.assign(this, { cause, remedy, code, status });
  }
}

const LOST = { cause: 'the server does not answer', remedy: 'see whether `iptnet serve` still runs', code: 'offline' };

function refusal(text, status) {
  try {
    return new Refusal(JSON.parse(text).error, status);
  } catch {
    return new Refusal({ cause: `the server answered ${status}`, remedy: 'try again', code: 'internal' }, status);
  }
}

async function call(path, options = {}) {
  let answer;
  try {
    answer = await fetch(path, options);
  } catch (error) {
    if (error.name === 'AbortError') throw error;
    throw new Refusal(LOST);
  }
  if (!answer.ok) throw refusal(await answer.text(), answer.status);
  return answer.status === 204 ? null : answer.json();
}

const at = id => `/api/videos/${encodeURIComponent(id)}`;
const post = path => call(path, { method: 'POST' });

export const server = () => call('/api/server');
export const videos = () => call('/api/videos');
export const video = id => call(at(id));
export const timeline = (id, ratio) => call(`${at(id)}/timeline?ratio=${ratio}`);
export const selection = (id, ratio, signal) => call(`${at(id)}/selection?ratio=${ratio}`, { signal });
export const moments = (id, query, signal) =>
  call(`${at(id)}/moments?${new URLSearchParams({ query })}`, { signal });
export const pictures = id => call(`${at(id)}/pictures`);
export const remove = id => call(at(id), { method: 'DELETE' });
export const cancel = (id, work = 'video') => post(`${at(id)}/cancel?work=${work}`);
export const restart = id => post(`${at(id)}/restart`);
export const render = (id, kind, ratio) => post(`${at(id)}/renders/${kind}?ratio=${ratio}`);

export const sourceOf = id => `${at(id)}/video`;
export const renderOf = (id, kind) => `${at(id)}/renders/${kind}`;
export const coverOf = id => `${at(id)}/pictures/cover.jpg`;
export const pictureOf = (id, number) => `${at(id)}/pictures/${number}.jpg`;
export function exportOf(id, name, ratio, query) {
  const asked = new URLSearchParams({ ratio });
  if (query) asked.set('query', query);
  return `${at(id)}/exports/${name}?${asked}`;
}

/** Send a file; XMLHttpRequest because fetch cannot tell how much has been sent. */
export function upload(file, onProgress) {
  const request = new XMLHttpRequest();
  const done = new Promise((resolve, reject) => {
    request.open('POST', `/api/videos?${new URLSearchParams({ name: file.name })}`);
    request.setRequestHeader('Content-Type', 'application/octet-stream');
    request.upload.onprogress = event => onProgress(event.loaded, event.total);
    request.onload = () => {
      if (request.status === 201) resolve(JSON.parse(request.responseText));
      else reject(refusal(request.responseText, request.status));
    };
    request.onerror = () => reject(new Refusal({
      cause: 'the connection broke while the video was sent',
      remedy: 'check that the file is still there and the server runs, then send it again',
      code: 'offline',
    }));
    request.onabort = () => reject(new Refusal({ cause: 'cancelled', remedy: '', code: 'cancelled' }));
    request.send(file);
  });
  return { done, abort: () => request.abort() };
}

/** Statuses as they change, for as long as the page lives. */
export function watch({ onVideo, onGone, onOnline }) {
  const stream = new EventSource('/api/events');
  stream.addEventListener('video', event => onVideo(JSON.parse(event.data)));
  stream.addEventListener('gone', event => onGone(JSON.parse(event.data).id));
  stream.onopen = () => onOnline(true);
  stream.onerror = () => {
    onOnline(false);
    // The browser gives up for good when the answer was an error; we do not.
    if (stream.readyState === EventSource.CLOSED) setTimeout(() => watch({ onVideo, onGone, onOnline }), 3000);
  };
}
