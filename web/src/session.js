// What the address of the page says, and how a name becomes an identity and a token.

const kNames = ['Heron', 'Otter', 'Kingfisher', 'Dipper', 'Trout', 'Willow', 'Alder', 'Plover', 'Curlew', 'Sandpiper',
  'Minnow', 'Mallard', 'Swallow', 'Dragonfly', 'Wagtail', 'Grebe'];

const pick = (list) => list[Math.floor(Math.random() * list.length)];
const suffix = () => Math.random().toString(36).slice(2, 6).padEnd(4, '0');

// ?room= names the room, ?name= the person, ?mode=dual asks for two connections (one is the default), ?server= for
// another server, ?sound=plain for a microphone without echo cancellation and noise suppression (music, test tones). ?identity= fixes the identity: whoever joins with the same one takes the seat of the first.
export function readAddress(search) {
  const query = new URLSearchParams(search);
  return {
    room: query.get('room')?.trim() || 'lobby',
    name: query.get('name')?.trim() || query.get('identity')?.trim() || pick(kNames),
    identity: query.get('identity')?.trim() || null,
    mode: query.get('mode') === 'dual' ? 'dual' : 'single',
    sound: query.get('sound') === 'plain' ? 'plain' : 'voice',
  };
}

// Two tabs with the same name are two people, so the identity carries a random end that displayName takes off again.
export const identityFor = (name) => `${name}~${suffix()}`;

export function displayName(participant) {
  return participant.name || participant.identity.replace(/~[a-z0-9]{4}$/, '');
}

export function initials(name) {
  const words = name.split(/[\s._-]+/).filter(Boolean);
  const letters = words.length > 1 ? words[0][0] + words[words.length - 1][0] : name.slice(0, 2);
  return letters.toUpperCase();
}

export const serverUrl = (location) => `${location.protocol === 'https:' ? 'wss' : 'ws'}://${location.host}`;

// Development servers hand out tokens to whoever asks; any other server answers 404 here.
export async function fetchToken(room, identity, name) {
  const answer = await fetch(`/dev/token?${new URLSearchParams({ room, identity, name })}`);
  if (answer.status === 404) {
    throw new Error('This server gives no tokens to the call page: start it with --dev.');
  }
  if (!answer.ok) {
    throw new Error(`No token: ${(await answer.text()) || answer.status}`);
  }
  return (await answer.json()).token;
}
