// Before the call: a look at oneself, a name, a room, and one button.
import { createLocalVideoTrack } from 'livekit-client';
import { el, icon } from './dom.js';
import { toggleTheme } from './theme.js';

const reasonOf = (error) => ({
  NotAllowedError: 'The browser did not allow the camera.',
  NotFoundError: 'No camera was found.',
  NotReadableError: 'The camera is in use by another program.',
}[error?.name] ?? 'The camera does not start.');

function deviceSwitch(id, label, on, off, pressed, onchange) {
  const button = el('button', { type: 'button', class: 'round', 'data-testid': id, title: label });
  const draw = () => {
    button.setAttribute('aria-pressed', String(pressed));
    button.setAttribute('aria-label', `${label}: ${pressed ? 'on' : 'off'}`);
    button.replaceChildren(icon(pressed ? on : off));
  };
  button.addEventListener('click', () => {
    pressed = !pressed;
    draw();
    onchange(pressed);
  });
  draw();
  return button;
}

// `join` gets {name, room, identity, microphone, camera} and may throw; the message is then shown here.
export function makeLobby(address, join) {
  const choice = { microphone: true, camera: true };
  let preview = null;
  let stopped = false;

  const video = el('video', { class: 'mirror', autoplay: true, muted: true, playsinline: true, 'aria-label': 'Your camera' });
  const note = el('p', { class: 'preview-note' }, 'Starting the camera …');
  const error = el('p', { class: 'form-error', role: 'alert', 'data-testid': 'join-error', hidden: true });
  const name = el('input', { id: 'name', 'data-testid': 'name', required: true, maxlength: 60, autocomplete: 'name', value: address.name });
  const room = el('input', { id: 'room', 'data-testid': 'room', required: true, maxlength: 100, autocomplete: 'off', value: address.room });
  const submit = el('button', { type: 'submit', class: 'primary', 'data-testid': 'join' }, 'Join the call');

  const stopPreview = () => {
    preview?.stop();
    preview = null;
    video.srcObject = null;
  };
  const startPreview = async () => {
    note.hidden = false;
    note.textContent = 'Starting the camera …';
    try {
      const track = await createLocalVideoTrack({ resolution: { width: 1280, height: 720 } });
      if (stopped || !choice.camera) {
        track.stop();
        return;
      }
      preview = track;
      track.attach(video);
      note.hidden = true;
    } catch (problem) {
      note.textContent = `${reasonOf(problem)} You can join without it.`;
    }
  };

  const form = el('form', { class: 'lobby-form', 'aria-label': 'Join a call', onsubmit: async (event) => {
    event.preventDefault();
    error.hidden = true;
    submit.disabled = true;
    submit.textContent = 'Joining …';
    stopPreview();  // Some systems give a camera to one user at a time, and the call is about to ask for it.
    try {
      await join({ ...choice, name: name.value.trim(), room: room.value.trim() });
    } catch (problem) {
      error.textContent = problem?.message ?? String(problem);
      error.hidden = false;
      submit.disabled = false;
      submit.textContent = 'Join the call';
      if (choice.camera) {
        startPreview();
      }
    }
  } },
  el('label', { for: 'name' }, 'Your name'), name,
  el('label', { for: 'room' }, 'Room'), room,
  error, submit,
  el('p', { class: 'hint' }, address.mode === 'dual' ? 'Two connections, one each way.' : 'One connection for both ways.'));

  const root = el('main', { class: 'lobby', 'data-testid': 'lobby' },
    el('header', { class: 'lobby-head' },
      el('span', { class: 'brand' }, icon('waves'), 'weir'),
      el('button', { type: 'button', class: 'quiet', 'aria-label': 'Dark or light', title: 'Dark or light', onclick: toggleTheme }, icon('theme'))),
    el('div', { class: 'lobby-body' },
      el('div', { class: 'preview' }, video, note,
        el('div', { class: 'preview-bar' },
          deviceSwitch('lobby-mic', 'Microphone', 'mic', 'micOff', true, (on) => { choice.microphone = on; }),
          deviceSwitch('lobby-camera', 'Camera', 'camera', 'cameraOff', true, (on) => {
            choice.camera = on;
            if (on) {
              startPreview();
            } else {
              stopPreview();
              note.hidden = false;
              note.textContent = 'The camera is off.';
            }
          }))),
      el('div', { class: 'lobby-side' }, el('h1', {}, 'Ready to join?'), form)));

  startPreview();
  return { root, stop: () => { stopped = true; stopPreview(); } };
}
