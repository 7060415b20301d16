"""Style and script of the report: plain text, without anything that depends on the timeline."""

from __future__ import annotations

from iptnet.outputs.style import DARK, FONT, LIGHT, Palette

SCRIPT = """
'use strict';
(() => {
  const video = document.querySelector('video');
  if (!video) return;
  const links = [...document.querySelectorAll('a[data-at]')];
  const heads = [...document.querySelectorAll('.ipt .head')];
  const play = at => {
    video.currentTime = at + 0.001;
    const started = video.play();
    if (started) started.catch(() => {});
    const calm = matchMedia('(prefers-reduced-motion: reduce)').matches;
    const box = video.getBoundingClientRect();
    if (box.bottom < 80 || box.top > innerHeight - 80)
      video.scrollIntoView({behavior: calm ? 'auto' : 'smooth', block: 'center'});
  };
  document.addEventListener('click', event => {
    const target = event.target.closest('[data-at]');
    if (!target || event.ctrlKey || event.metaKey || event.shiftKey) return;
    event.preventDefault();
    play(Number(target.dataset.at));
  });
  const show = () => {
    const now = video.currentTime;
    let source = null;
    for (const link of links) {
      const here = now >= link.dataset.at - 0.002 && now < link.dataset.end - 0.002;
      if (here) source = Number(link.dataset.start) + now - link.dataset.at;
      if (here) link.setAttribute('aria-current', 'true');
      else link.removeAttribute('aria-current');
    }
    for (const head of heads) {
      const { duration, pad, width } = head.ownerSVGElement.dataset;
      if (source === null) { head.removeAttribute('transform'); continue; }
      const share = Math.min(source / duration, 1);
      head.setAttribute('transform', `translate(${+pad + share * (width - 2 * pad)})`);
    }
  };
  video.addEventListener('timeupdate', show);
  video.addEventListener('seeked', show);
  video.addEventListener('error', () => {
    video.hidden = true;
    document.querySelector('.gone').hidden = false;
  });
})();
"""


def style() -> str:
    """The page's rules, light first, dark where the reader prefers it."""

    def names(p: Palette) -> str:
        return "".join(f"--{name}:{getattr(p, name)};" for name in Palette.__slots__)

    return (
        f":root{{{names(LIGHT)}color-scheme:light dark;font:16px/1.5 {FONT}}}"
        f"@media(prefers-color-scheme:dark){{:root{{{names(DARK)}}}}}" + _RULES
    )


_RULES = """
*{box-sizing:border-box}
body{margin:0 auto;max-width:1040px;padding:40px 24px 24px;background:var(--paper);color:var(--ink)}
h1{margin:0 0 16px;font-size:28px;line-height:1.2;letter-spacing:-.01em;overflow-wrap:anywhere;
display:-webkit-box;-webkit-box-orient:vertical;-webkit-line-clamp:3;overflow:hidden}
h2{margin:0 0 12px;font-size:17px}
h2 small{font-weight:400;font-size:14px;color:var(--soft)}
section,details{margin:32px 0 0}
dl{margin:0}
header dl{display:flex;flex-wrap:wrap;gap:8px 36px}
dt{font-size:13px;color:var(--soft)}
dd{margin:0;font-variant-numeric:tabular-nums}
video{display:block;width:100%;max-height:70vh;background:#000;border-radius:10px}
video[hidden]{display:none}
.gone{padding:16px;border:1px solid var(--line);border-radius:10px;color:var(--soft);margin:0}
.note{border:1px solid var(--line);border-left:3px solid var(--ink);border-radius:6px;
padding:12px 16px}
.note h2{font-size:15px;margin:0 0 4px}
.note ul{margin:0;padding-left:18px;overflow-wrap:anywhere}
.ipt{display:block;width:100%;height:auto;overflow:visible}
.ipt .head[transform]{visibility:visible}
.ipt [data-at]{cursor:pointer}
.narrow{display:none}
ol{list-style:none;margin:0;padding:0;display:grid;gap:20px 16px;
grid-template-columns:repeat(auto-fill,minmax(200px,1fr))}
ol.upright{grid-template-columns:repeat(auto-fill,minmax(130px,1fr))}
a{color:var(--accent);text-underline-offset:3px;text-decoration-thickness:1px}
.board a{display:block;color:var(--ink);text-decoration:none;border-radius:8px}
.frame{display:block;overflow:hidden;border-radius:8px;background:var(--band)}
.frame img{display:block;width:100%;height:auto}
.blank{display:grid;place-items:center;aspect-ratio:16/9;color:var(--soft);font-size:14px}
.upright .blank{aspect-ratio:9/16}
.bar{display:block;width:100%;height:4px;margin:8px 0 4px;border-radius:2px;fill:var(--line)}
.bar .on{fill:var(--accent)}
.times{font-size:14px;font-variant-numeric:tabular-nums}
.share{display:block;font-size:13px;color:var(--soft);font-variant-numeric:tabular-nums}
.doubt{margin:-6px 0 12px;color:var(--soft)}
ol+table{margin-top:20px}
section h2{overflow-wrap:anywhere}
.board a:hover .frame,.board [aria-current] .frame{outline:2px solid var(--accent);
outline-offset:2px}
.board [aria-current] .times{color:var(--accent)}
:focus-visible{outline:2px solid var(--accent);outline-offset:4px;border-radius:4px}
table{width:100%;border-collapse:collapse;font-size:15px;font-variant-numeric:tabular-nums}
th{font-weight:400;font-size:13px;color:var(--soft)}
th,td{padding:8px 12px 8px 0;text-align:left;border-bottom:1px solid var(--line)}
td bdi{overflow-wrap:anywhere}
td .bar{display:inline-block;width:72px;margin:0 0 3px 10px}
tr:has([aria-current]){background:var(--band)}
details{border-top:1px solid var(--line);padding-top:16px}
summary{cursor:pointer;color:var(--soft);width:fit-content}
details dl{margin-top:12px;font-size:14px}
details dl div{display:grid;grid-template-columns:minmax(130px,240px) 1fr;gap:16px;padding:3px 0}
details dd{overflow-wrap:anywhere}
footer{margin-top:40px;font-size:13px;color:var(--soft)}
@media(max-width:640px){
body{padding:24px 16px}
h1{font-size:22px}
header dl{gap:8px 24px}
.wide{display:none}.narrow{display:block}
ol,ol.upright{grid-template-columns:repeat(2,minmax(0,1fr));gap:16px 12px}
th,td{padding-right:6px}
table{font-size:14px}
td .bar{display:none}
details dl div{grid-template-columns:1fr;gap:0;padding:5px 0}
}
@media print{video,script,.narrow{display:none}body{max-width:none}}
"""
