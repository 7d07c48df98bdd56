/** Light, dark, or as the system says: remembered where the browser lets a page remember. */

const KEY = 'r-zero-theme';
/** @type {readonly string[]} */
const THEMES = ['auto', 'light', 'dark'];

function remembered() {
  try {
    return localStorage.getItem(KEY) ?? 'auto';
  } catch {
    return 'auto';
  }
}

/** @param {string} theme */
function remember(theme) {
  try {
    localStorage.setItem(KEY, theme);
  } catch {
    // A page of its own origin, or a browser that keeps nothing: until it is closed, then.
  }
}

export function startTheme() {
  const button = document.getElementById('theme');
  if (!button) return;
  /** @param {string} theme */
  const apply = (theme) => {
    document.documentElement.dataset['theme'] = theme;
    button.textContent = `Colours: ${theme}`;
  };
  apply(THEMES.includes(remembered()) ? remembered() : 'auto');
  button.hidden = false;
  button.addEventListener('click', () => {
    const now = document.documentElement.dataset['theme'] ?? 'auto';
    const next = THEMES[(THEMES.indexOf(now) + 1) % THEMES.length] ?? 'auto';
    remember(next);
    apply(next);
  });
}
