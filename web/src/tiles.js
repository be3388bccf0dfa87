// The stage: one tile a person, one more for each shared screen, laid out as large as the window allows.
import { Track } from 'livekit-client';
import { el, icon } from './dom.js';
import { gridFor } from './layout.js';
import { displayName, initials } from './session.js';

const hueOf = (text) => [...text].reduce((sum, letter) => (sum * 31 + letter.codePointAt(0)) % 360, 7);

function makeTile(key, participant, kind) {
  const person = displayName(participant);
  const video = el('video', { autoplay: true, playsinline: true, muted: true, 'data-testid': 'tile-video', hidden: true });
  const name = el('span', { class: 'tile-name', 'data-testid': 'tile-name' });
  const muted = el('span', { class: 'tile-muted', 'data-testid': 'tile-muted', role: 'img', 'aria-label': 'microphone off' }, icon('micOff'));
  const figures = el('span', { class: 'tile-figures', 'data-testid': 'tile-figures', hidden: true });
  const root = el('article', { class: `tile ${kind}`, 'data-testid': kind === 'screen' ? 'screen-tile' : 'tile',
    'data-identity': participant.identity, 'data-key': key, 'aria-label': kind === 'screen' ? `Screen of ${person}` : person },
  el('div', { class: 'avatar', style: `--hue:${hueOf(participant.identity)}`, 'aria-hidden': 'true' }, initials(person)),
  video, figures, el('div', { class: 'tile-label' }, kind === 'screen' ? icon('screen') : muted, name));
  return { key, kind, participant, root, video, name, muted, figures, track: null };
}

function showTrack(tile, track) {
  if (tile.track === track) {
    return;
  }
  tile.track?.detach(tile.video);
  tile.track = track;
  track?.attach(tile.video);
  // attach() of livekit-client clears `muted` for sound; the tile's element never plays any.
  tile.video.muted = true;
  tile.video.hidden = !track;
}

export function makeStage() {
  const root = el('section', { class: 'stage', 'data-testid': 'stage', 'aria-label': 'People in the call' });
  const sounds = el('div', { hidden: true });
  const tiles = new Map();
  const audio = new Map();

  const layOut = () => {
    const { clientWidth, clientHeight } = root;
    const screens = [...tiles.values()].some((tile) => tile.kind === 'screen');
    root.classList.toggle('with-screen', screens);
    if (!screens) {
      const style = window.getComputedStyle(root);
      const inner = (size, a, b) => size - parseFloat(style[a]) - parseFloat(style[b]);
      const grid = gridFor(tiles.size, inner(clientWidth, 'paddingLeft', 'paddingRight'), inner(clientHeight, 'paddingTop', 'paddingBottom'));
      root.style.setProperty('--columns', grid.columns);
      root.style.setProperty('--tile-width', `${grid.tileWidth}px`);
      root.style.setProperty('--tile-height', `${grid.tileHeight}px`);
    }
  };
  new ResizeObserver(layOut).observe(root);

  const tileFor = (key, participant, kind) => {
    let tile = tiles.get(key);
    if (!tile) {
      tile = makeTile(key, participant, kind);
      tiles.set(key, tile);
      root.append(tile.root);
    }
    return tile;
  };
  const drop = (tile) => {
    showTrack(tile, null);
    tile.root.remove();
    tiles.delete(tile.key);
  };

  const drawPerson = (participant, wanted) => {
    const camera = participant.getTrackPublication(Track.Source.Camera);
    const microphone = participant.getTrackPublication(Track.Source.Microphone);
    const screen = participant.getTrackPublication(Track.Source.ScreenShare);
    const person = displayName(participant) + (participant.isLocal ? ' (you)' : '');

    const tile = tileFor(participant.sid, participant, 'person');
    wanted.add(tile.key);
    tile.name.textContent = person;
    tile.root.classList.toggle('local', participant.isLocal);
    const silent = !microphone || microphone.isMuted;
    tile.muted.hidden = !silent;
    tile.root.dataset.muted = String(silent);
    tile.root.dataset.camera = String(Boolean(camera && !camera.isMuted));
    showTrack(tile, camera && !camera.isMuted ? camera.videoTrack ?? null : null);

    if (screen?.videoTrack && !screen.isMuted) {
      const shared = tileFor(screen.trackSid, participant, 'screen');
      wanted.add(shared.key);
      shared.name.textContent = `${person}: screen`;
      showTrack(shared, screen.videoTrack);
    }
    if (!participant.isLocal) {
      for (const publication of participant.audioTrackPublications.values()) {
        if (publication.track && !audio.has(publication.track)) {
          const element = publication.track.attach();
          audio.set(publication.track, element);
          sounds.append(element);
        }
      }
    }
  };

  // Draws everyone anew from the room's state: cheap at the size of a call, and nothing can be forgotten.
  const draw = (room) => {
    const people = [room.localParticipant, ...room.remoteParticipants.values()];
    const wanted = new Set();
    for (const participant of people) {
      drawPerson(participant, wanted);
    }
    for (const tile of [...tiles.values()]) {
      if (!wanted.has(tile.key)) {
        drop(tile);
      }
    }
    const playing = new Set(people.flatMap((p) => [...p.audioTrackPublications.values()].map((t) => t.track)));
    for (const [track, element] of [...audio]) {
      if (!playing.has(track)) {
        track.detach(element);
        element.remove();
        audio.delete(track);
      }
    }
    root.dataset.people = String(people.length);
    layOut();
  };

  const markSpeakers = (speakers) => {
    const speaking = new Set(speakers.map((participant) => participant.sid));
    for (const tile of tiles.values()) {
      const on = tile.kind === 'person' && speaking.has(tile.participant.sid);
      tile.root.classList.toggle('speaking', on);
      tile.root.dataset.speaking = String(on);
    }
  };

  const showFigures = (key, text) => {
    const tile = tiles.get(key);
    if (tile) {
      tile.figures.textContent = text ?? '';
      tile.figures.hidden = !text;
    }
  };

  const clear = () => {
    [...tiles.values()].forEach(drop);
    for (const [track, element] of audio) {
      track.detach(element);
    }
    audio.clear();
    sounds.replaceChildren();
  };
  return { root, sounds, draw, markSpeakers, showFigures, clear };
}
