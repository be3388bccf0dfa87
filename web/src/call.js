// The call itself: joins the room, draws it on every change, and offers the buttons.
import { ConnectionState, DisconnectReason, Room, RoomEvent, VideoPresets } from 'livekit-client';
import { makeChat } from './chat.js';
import { el, icon } from './dom.js';
import { formatRtt } from './figures.js';
import { makeFigures } from './figures_panel.js';
import { fetchToken, identityFor, serverUrl } from './session.js';
import { toggleTheme } from './theme.js';
import { makeStage } from './tiles.js';

const kRedrawOn = [
  RoomEvent.ParticipantConnected, RoomEvent.ParticipantDisconnected, RoomEvent.ParticipantNameChanged,
  RoomEvent.TrackPublished, RoomEvent.TrackUnpublished, RoomEvent.TrackSubscribed, RoomEvent.TrackUnsubscribed,
  RoomEvent.TrackMuted, RoomEvent.TrackUnmuted, RoomEvent.LocalTrackPublished, RoomEvent.LocalTrackUnpublished,
  RoomEvent.Reconnected,
];

const goodbye = (reason) => ({
  [DisconnectReason.CLIENT_INITIATED]: null,
  [DisconnectReason.DUPLICATE_IDENTITY]: 'You joined from somewhere else with the same identity.',
  [DisconnectReason.PARTICIPANT_REMOVED]: 'You were removed from the room.',
  [DisconnectReason.ROOM_DELETED]: 'The room was closed.',
  [DisconnectReason.SERVER_SHUTDOWN]: 'The server is shutting down.',
}[reason] ?? (reason === undefined ? 'The connection was lost.' : `The call ended (${DisconnectReason[reason] ?? reason}).`));

function toggle(id, label, on, off, action, toaster) {
  const button = el('button', { type: 'button', class: 'round', 'data-testid': id, title: label });
  const draw = (pressed) => {
    button.setAttribute('aria-pressed', String(pressed));
    button.setAttribute('aria-label', `${label}: ${pressed ? 'on' : 'off'}`);
    button.replaceChildren(icon(pressed ? on : off));
  };
  button.addEventListener('click', async () => {
    button.disabled = true;
    try {
      await action(button.getAttribute('aria-pressed') !== 'true');
    } catch (problem) {
      if (problem?.name !== 'NotAllowedError' || id !== 'share') {  // Closing the picker is not a fault.
        toaster.show(`${label}: ${problem?.message ?? problem}`, 'error');
      }
    } finally {
      button.disabled = false;
    }
  });
  draw(false);
  return { button, draw };
}

function makePanels(stageArea) {
  const title = el('h2', {});
  const body = el('div', { class: 'panel-content' });
  const panel = el('aside', { class: 'panel', 'data-testid': 'panel', hidden: true },
    el('header', {}, title, el('button', { type: 'button', class: 'quiet', 'aria-label': 'Close', title: 'Close', 'data-testid': 'panel-close', onclick: () => open(null) }, icon('close'))), body);
  const entries = new Map();
  let current = null;
  function open(id) {
    entries.get(current)?.onclose?.();
    current = id;
    panel.hidden = !id;
    stageArea.classList.toggle('with-panel', Boolean(id));
    for (const [name, entry] of entries) {
      entry.button.setAttribute('aria-expanded', String(name === id));
      if (name === id) {
        title.textContent = entry.title;
        body.replaceChildren(entry.root);
        entry.onopen?.();
      }
    }
  }
  panel.addEventListener('keydown', (event) => {
    if (event.key === 'Escape') {
      const { button } = entries.get(current);
      open(null);
      button.focus();
    }
  });
  const add = (id, label, iconName, root, { onopen, onclose } = {}) => {
    const button = el('button', { type: 'button', class: 'round', 'data-testid': `${id}-toggle`, 'aria-label': label, title: label, 'aria-expanded': 'false', onclick: () => open(current === id ? null : id) }, icon(iconName));
    entries.set(id, { button, title: label, root, onopen, onclose });
    return button;
  };
  return { panel, add, open, isOpen: (id) => current === id };
}

export async function startCall(choice, toaster, onEnded) {
  const room = new Room({
    singlePeerConnection: choice.mode !== 'dual',
    adaptiveStream: true,
    dynacast: true,
    ...(choice.sound === 'plain' ? { audioCaptureDefaults: { echoCancellation: false, noiseSuppression: false, autoGainControl: false } } : {}),
    videoCaptureDefaults: { resolution: VideoPresets.h720.resolution },
    disconnectOnPageLeave: true,
  });
  const local = room.localParticipant;
  const stage = makeStage();
  const stageArea = el('div', { class: 'stage-area' });
  const panels = makePanels(stageArea);

  const mic = toggle('mic', 'Microphone', 'mic', 'micOff', (on) => local.setMicrophoneEnabled(on), toaster);
  const camera = toggle('camera', 'Camera', 'camera', 'cameraOff', (on) => local.setCameraEnabled(on), toaster);
  const share = toggle('share', 'Screen share', 'screen', 'screen', (on) => local.setScreenShareEnabled(on, { audio: true }), toaster);

  const chat = makeChat(room, {
    onUnread: () => chatButton.classList.toggle('unread', !panels.isOpen('chat')),
    onError: (text) => toaster.show(text, 'error'),
  });
  const chatButton = panels.add('chat', 'Chat', 'chat', chat.root, {
    onopen: () => {
      chatButton.classList.remove('unread');
      chat.focus();
    },
  });
  const figures = makeFigures(room, stage);
  const figuresButton = panels.add('figures', 'Connection figures', 'figures', figures.root,
    { onopen: () => figures.setOnTiles(true), onclose: () => figures.setOnTiles(false) });

  const pulse = el('span', { class: 'pulse', 'data-testid': 'round-trip', title: 'Round trip to the server' }, '–');
  const count = el('span', { class: 'count', 'data-testid': 'people-count' });
  const banner = el('div', { class: 'banner', role: 'status', 'data-testid': 'banner', hidden: true });
  const sound = el('button', { type: 'button', class: 'primary', 'data-testid': 'start-audio', hidden: true, onclick: () => room.startAudio() }, 'Turn on the sound');
  const leave = el('button', { type: 'button', class: 'round danger', 'data-testid': 'leave', 'aria-label': 'Leave the call', title: 'Leave the call', onclick: () => room.disconnect() }, icon('leave'));
  const copy = el('button', { type: 'button', class: 'quiet', 'aria-label': 'Copy the link to this room', title: 'Copy the link to this room', 'data-testid': 'copy-link', onclick: async () => {
    const link = new URL(window.location.href);
    link.search = new URLSearchParams({ room: choice.room, ...(choice.mode === 'dual' ? { mode: 'dual' } : {}) }).toString();
    try {
      await navigator.clipboard.writeText(link.href);
      toaster.show('The link is on the clipboard.');
    } catch {
      toaster.show(link.href);
    }
  } }, icon('link'));

  const draw = () => {
    stage.draw(room);
    mic.draw(local.isMicrophoneEnabled);
    camera.draw(local.isCameraEnabled);
    share.draw(local.isScreenShareEnabled);
    const people = room.remoteParticipants.size + 1;
    count.textContent = people === 1 ? 'just you' : `${people} people`;
  };
  kRedrawOn.forEach((event) => room.on(event, draw));
  room.on(RoomEvent.ActiveSpeakersChanged, stage.markSpeakers);
  room.on(RoomEvent.AudioPlaybackStatusChanged, () => { sound.hidden = room.canPlaybackAudio; });
  room.on(RoomEvent.MediaDevicesError, (problem) => toaster.show(problem.message, 'error'));
  room.on(RoomEvent.ConnectionStateChanged, (state) => {
    root.dataset.state = state;
    const away = state === ConnectionState.Reconnecting || state === ConnectionState.SignalReconnecting;
    banner.hidden = !away;
    banner.textContent = away ? 'The connection was lost. Reconnecting …' : '';
  });
  figures.onMeasured(({ rtt }) => { pulse.textContent = formatRtt(rtt); });
  room.once(RoomEvent.Disconnected, (reason) => {
    figures.stop();
    stage.clear();
    if (entered) {
      onEnded(goodbye(reason));
    }
  });

  const root = el('main', { class: 'call', 'data-testid': 'call', 'data-mode': choice.mode },
    el('header', { class: 'call-head' },
      el('span', { class: 'brand' }, icon('waves'), 'weir'),
      el('h1', { class: 'room-name', 'data-testid': 'room-name' }, choice.room), copy, count, el('span', { class: 'grow' }), pulse,
      el('button', { type: 'button', class: 'quiet', 'aria-label': 'Dark or light', title: 'Dark or light', 'data-testid': 'theme', onclick: toggleTheme }, icon('theme'))),
    banner, stageArea,
    el('footer', { class: 'controls', role: 'toolbar', 'aria-label': 'Call controls' }, mic.button, camera.button, share.button, chatButton, figuresButton, leave), stage.sounds);
  stageArea.append(stage.root, sound, panels.panel);

  let entered = false;
  try {
    const identity = choice.identity ?? identityFor(choice.name);
    const token = await fetchToken(choice.room, identity, choice.name);
    await room.connect(serverUrl(window.location), token);
  } catch (problem) {
    figures.stop();
    throw problem;
  }
  entered = true;
  root.dataset.state = room.state;
  root.dataset.identity = local.identity;
  draw();
  // Not awaited: a slow or refused device must not keep the person out of the call.
  const start = (what, promise) => promise.catch((problem) => toaster.show(`${what}: ${problem?.message ?? problem}`, 'error')).then(draw);
  if (choice.microphone) {
    start('Microphone', local.setMicrophoneEnabled(true));
  }
  if (choice.camera) {
    start('Camera', local.setCameraEnabled(true));
  }
  return { root };
}
