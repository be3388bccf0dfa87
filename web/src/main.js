// The call page: a lobby, then the call. Everything on it goes through the stock livekit-client.
import { startCall } from './call.js';
import { el, makeToaster } from './dom.js';
import { makeLobby } from './lobby.js';
import { readAddress } from './session.js';
import { applyStoredTheme } from './theme.js';

const app = document.getElementById('app');
const toaster = makeToaster();
const address = readAddress(window.location.search);
const view = el('div', { class: 'view' });

function showLobby(note) {
  document.title = `${address.room} – weir`;
  const lobby = makeLobby(address, async (choice) => {
    const call = await startCall({ ...address, ...choice }, toaster, (reason) => showLobby(reason));
    lobby.stop();
    view.replaceChildren(call.root);
  });
  view.replaceChildren(lobby.root);
  if (note) {
    toaster.show(note);
  }
}

applyStoredTheme();
app.append(view, toaster.root);
showLobby();
