'use strict';
// The server says when the run has changed; the page is then fetched anew. Who looks at an older step goes on doing so.
const events = new EventSource(document.querySelector('main').dataset.events);
let due = false;
let busy = false;
events.addEventListener('change', () => { due = true; refresh(); });
events.addEventListener('open', () => { document.body.classList.remove('cut-off'); });
events.addEventListener('error', () => { document.body.classList.add('cut-off'); });
document.addEventListener('visibilitychange', refresh);
async function refresh() {
  if (!due || busy || document.hidden) return;
  due = false;
  busy = true;
  try {
    const answer = await fetch(location.href);
    if (answer.ok) replace(new DOMParser().parseFromString(await answer.text(), 'text/html'));
  } catch {
    document.body.classList.add('cut-off');
  }
  busy = false;
  refresh();
}
function replace(page) {
  const chosen = new Map();
  document.querySelectorAll('.film').forEach((film) => {
    const slider = film.querySelector('input');
    if (slider && slider.value !== slider.max) chosen.set(film.id, film.querySelector('img:not([hidden])').dataset.step);
  });
  const open = new Set([...document.querySelectorAll('details[open]')].map((details) => details.id));
  document.title = page.title;
  document.querySelector('main').replaceWith(document.adoptNode(page.querySelector('main')));
  start();
  document.querySelectorAll('details').forEach((details) => { details.open = open.has(details.id); });
  for (const [id, step] of chosen) {
    const film = document.getElementById(id);
    const place = film ? [...film.querySelectorAll('img')].findIndex((frame) => frame.dataset.step === step) : -1;
    const slider = place < 0 ? null : film.querySelector('input');
    if (slider) { slider.value = place; show(slider); }
  }
}
