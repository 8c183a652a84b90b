'use strict';
// Shows the picture of the step that a slider stands at. Without this script the newest is shown, and no slider.
document.addEventListener('input', (event) => {
  if (event.target.matches('.film input')) show(event.target);
});
function show(slider) {
  const film = slider.closest('.film');
  const frames = film.querySelectorAll('img');
  frames.forEach((frame, place) => { frame.hidden = place !== Number(slider.value); });
  const step = frames[slider.value].dataset.step;
  film.querySelector('output').textContent = 'step ' + step;
  slider.setAttribute('aria-valuetext', 'step ' + step);
}
function start() {
  document.querySelectorAll('.film .slider').forEach((label) => {
    label.hidden = false;
    const slider = label.querySelector('input');
    slider.value = slider.max; // browsers keep where it stood
    show(slider);
  });
}
start();
