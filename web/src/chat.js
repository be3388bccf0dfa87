// The chat: a text stream on LiveKit's own chat topic, so other LiveKit apps in the room can read and write it too.
import { el, icon } from './dom.js';
import { displayName } from './session.js';

const kTopic = 'lk.chat';
const kMaxLines = 500;

const time = () => new Date().toLocaleTimeString([], { hour: '2-digit', minute: '2-digit' });

export function makeChat(room, { onUnread, onError }) {
  const lines = el('ol', { class: 'chat-lines', role: 'log', 'aria-live': 'polite', 'aria-label': 'Messages', 'data-testid': 'chat-lines' });
  const empty = el('p', { class: 'panel-empty' }, 'Nothing said yet. Everyone in the room reads what you write here.');
  const input = el('input', { 'aria-label': 'Message', placeholder: 'Write to everyone', maxlength: 2000, autocomplete: 'off', 'data-testid': 'chat-input' });

  const add = (from, text, own) => {
    empty.hidden = true;
    lines.append(el('li', { class: own ? 'own' : '', 'data-testid': 'chat-line' },
      el('span', { class: 'chat-from' }, own ? 'You' : from, el('time', {}, time())), el('span', { class: 'chat-text' }, text)));
    while (lines.children.length > kMaxLines) {
      lines.firstChild.remove();
    }
    lines.scrollTop = lines.scrollHeight;
  };

  room.registerTextStreamHandler(kTopic, async (reader, sender) => {
    try {
      const text = await reader.readAll();
      const participant = room.remoteParticipants.get(sender.identity);
      add(participant ? displayName(participant) : sender.identity, text, false);
      onUnread();
    } catch (problem) {
      onError(`A message did not arrive whole: ${problem.message}`);
    }
  });

  const form = el('form', { class: 'chat-form', onsubmit: async (event) => {
    event.preventDefault();
    const text = input.value.trim();
    if (!text) {
      return;
    }
    input.value = '';
    try {
      await room.localParticipant.sendText(text, { topic: kTopic });
      add('', text, true);
    } catch (problem) {
      input.value = text;
      onError(`The message was not sent: ${problem.message}`);
    }
  } }, input, el('button', { type: 'submit', class: 'quiet', 'aria-label': 'Send', title: 'Send', 'data-testid': 'chat-send' }, icon('send')));

  const root = el('section', { class: 'panel-body', 'aria-label': 'Chat', 'data-testid': 'chat' }, empty, lines, form);
  return { root, focus: () => input.focus() };
}
