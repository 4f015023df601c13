// Brings what is shown to what it should be, and leaves alone what is already so: what has the focus keeps it, what was opened stays
// open, what was scrolled stays where it is, and a screen reader tells only what has changed.
export function redraw(shown, wanted) {
  if (shown.nodeType !== wanted.nodeType || shown.nodeName !== wanted.nodeName) {
    shown.replaceWith(wanted);
    return;
  }
  if (shown.nodeType === Node.TEXT_NODE) {
    if (shown.data !== wanted.data) shown.data = wanted.data;
    return;
  }
  for (const { name } of [...shown.attributes]) {
    // People open details.
    if (!wanted.hasAttribute(name) && !(name === 'open' && shown.nodeName === 'DETAILS')) shown.removeAttribute(name);
  }
  for (const { name, value } of wanted.attributes) if (shown.getAttribute(name) !== value) shown.setAttribute(name, value);
  redrawContent(shown, [...wanted.childNodes]);
}

// Children that have a key are the same wherever they are.
export function redrawContent(shown, wanted) {
  const keyOf = node => node.dataset?.key ?? null;
  const byKey = new Map([...shown.childNodes].filter(node => keyOf(node) != null).map(node => [keyOf(node), node]));
  const kept = new Set(wanted.map(keyOf).filter(key => key != null));
  for (const [key, node] of byKey) if (!kept.has(key)) node.remove();
  let at = shown.firstChild;
  for (const one of wanted) {
    const key = keyOf(one), same = key != null ? byKey.get(key) : at && keyOf(at) == null ? at : null;
    if (same == null) {
      shown.insertBefore(one, at);
    } else if (same === at) {
      at = at.nextSibling;
      redraw(same, one);
    } else {
      shown.insertBefore(same, at);
      redraw(same, one);
    }
  }
  while (at) {
    const next = at.nextSibling;
    at.remove();
    at = next;
  }
}
