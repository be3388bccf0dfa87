// Dark or light: the system's choice until the person makes one, which this browser then remembers.
const kKey = 'weir-theme';

export function applyStoredTheme() {
  try {
    const stored = localStorage.getItem(kKey);
    if (stored === 'dark' || stored === 'light') {
      document.documentElement.dataset.theme = stored;
    }
  } catch { /* Storage may be forbidden; the system's choice stands. */ }
}

export function toggleTheme() {
  const system = window.matchMedia('(prefers-color-scheme: light)').matches ? 'light' : 'dark';
  const next = (document.documentElement.dataset.theme ?? system) === 'dark' ? 'light' : 'dark';
  document.documentElement.dataset.theme = next;
  try {
    localStorage.setItem(kKey, next);
  } catch { /* As above. */ }
}
