// A small maker of elements: el('button', { class: 'x', onclick: f, 'aria-label': 'y' }, child, 'text').
// Text always goes in as text nodes, so a name or a chat line can never become markup.

export function el(tag, attributes = {}, ...children) {
  const node = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (value === undefined || value === null || value === false) {
      continue;
    }
    if (name.startsWith('on')) {
      node.addEventListener(name.slice(2), value);
    } else if (name in node && typeof value === 'boolean') {
      node[name] = value;
    } else {
      node.setAttribute(name, value === true ? '' : value);
    }
  }
  node.append(...children.flat().filter((child) => child !== null && child !== undefined));
  return node;
}

const kPaths = {
  mic: '<rect x="9" y="3" width="6" height="11" rx="3"/><path d="M5.5 11.5a6.5 6.5 0 0 0 13 0M12 18v3"/>',
  micOff: '<path d="M15 9.5V6a3 3 0 0 0-5.8-1M9 9v2a3 3 0 0 0 4.6 2.5M5.5 11.5a6.5 6.5 0 0 0 10.2 5.3M18.5 11.5c0 .9-.2 1.7-.5 2.5M12 18v3M4 4l16 16"/>',
  camera: '<rect x="3" y="6.5" width="12.5" height="11" rx="2.5"/><path d="m15.5 10.7 5-2.9v8.4l-5-2.9"/>',
  cameraOff: '<path d="M9 6.5h4a2.5 2.5 0 0 1 2.5 2.5v3.5M15.5 15.2a2.5 2.5 0 0 1-2.5 2.3H5.5A2.5 2.5 0 0 1 3 15V9a2.5 2.5 0 0 1 2-2.450M15.5 10.7l5-2.9v8.4l-1.7-1M4 4l16 16"/>',
  screen: '<rect x="3" y="4.5" width="18" height="12" rx="2"/><path d="M9 20h6M12 13.5v-6M9.3 9.8 12 7.2l2.7 2.6"/>',
  chat: '<path d="M4 6.5A2.5 2.5 0 0 1 6.5 4h11A2.5 2.5 0 0 1 20 6.5v7a2.5 2.5 0 0 1-2.5 2.5H10l-4.2 3.6V16A2 2 0 0 1 4 14z"/>',
  figures: '<path d="M4 20h16M6.5 16.5v-4M11 16.5V5.5M15.5 16.5v-7M20 16.5v-9"/>',
  leave: '<path d="M3.2 14.6c-.7-3 4-5.6 8.8-5.6s9.5 2.6 8.8 5.6l-.4 1.7-4.4-.9-.3-2.6a11.5 11.5 0 0 0-7.4 0L8 15.4l-4.4.9z"/>',
  theme: '<circle cx="12" cy="12" r="8"/><path d="M12 4a8 8 0 0 1 0 16z" fill="currentColor"/>',
  send: '<path d="M4.5 12 20 4.5 15.5 20l-3.3-6.2z"/>',
  close: '<path d="m6 6 12 12M18 6 6 18"/>',
  link: '<path d="M10 14a4 4 0 0 0 5.7 0l3-3a4 4 0 0 0-5.7-5.7l-1 1M14 10a4 4 0 0 0-5.7 0l-3 3A4 4 0 0 0 11 18.7l1-1"/>',
  waves: '<path d="M3 8c3-2.7 6-2.7 9 0s6 2.7 9 0"/><path d="M3 13c3-2.7 6-2.7 9 0s6 2.7 9 0" opacity=".75"/><path d="M3 18c3-2.7 6-2.7 9 0s6 2.7 9 0" opacity=".5"/>',
};

// The icons are constants of this file, so setting markup here is safe. They are decoration: the button has the label.
export function icon(name) {
  const holder = el('span', { class: 'icon', 'aria-hidden': 'true' });
  holder.innerHTML = `<svg viewBox="0 0 24 24" fill="none" stroke="currentColor" stroke-width="1.8" stroke-linecap="round" stroke-linejoin="round">${kPaths[name]}</svg>`;
  return holder;
}

// Short messages at the top of the page, read out by screen readers.
export function makeToaster() {
  const root = el('div', { class: 'toasts', role: 'status', 'aria-live': 'polite', 'data-testid': 'toasts' });
  const show = (text, kind = 'info') => {
    const toast = el('div', { class: `toast ${kind}` }, text);
    root.append(toast);
    setTimeout(() => toast.remove(), kind === 'error' ? 9000 : 4000);
  };
  return { root, show };
}
